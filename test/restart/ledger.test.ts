import { describe, expect, it } from 'vitest';
import {
  componentName,
  epochMs,
  type CrashId,
  type CrashType,
  type IncarnationId,
  type RecoveryEvent,
} from '../../src/model/index.ts';
import { createLedger } from '../../src/restart/index.ts';

const MAIL = componentName('mail');
const HOUR = 3_600_000;
const restarted = (
  at: number,
  by: 'supervisor' | 'person' | 'webhook' = 'supervisor',
  counted = by !== 'person',
): RecoveryEvent => ({
  type: 'restart.decided',
  component: MAIL,
  at: epochMs(at),
  reason: 'crash',
  by,
  counted,
  decision: { kind: 'restart', rule: 'immediate', delayMs: 0, attempt: 1 },
});

const crashed = (at: number, signature = 'x', crashType: CrashType = 'unhandled_exception'): RecoveryEvent => ({
  type: 'component.crashed',
  component: MAIL,
  at: epochMs(at),
  incarnation: 'a' as IncarnationId,
  crash: 'CRASH-1' as CrashId,
  crashType,
  severity: 'medium',
  errorType: 'Error',
  exit: { code: 1, signal: null },
  uptimeMs: 10,
  signature,
});

describe('the ledger of restarts', () => {
  it('keeps counted restarts within a window, oldest first', () => {
    const ledger = createLedger();
    for (const at of [1_000, 2_000, 3_000]) ledger.read(restarted(at));
    expect(ledger.of(MAIL, 1_500, epochMs(3_000))).toEqual([2_000, 3_000]);
    expect(ledger.of(componentName('other'), HOUR, epochMs(3_000))).toEqual([]);
  });

  it('does not count what a person asked for, and counts a webhook for the component but not for the host', () => {
    const ledger = createLedger();
    ledger.read(restarted(1_000, 'person'));
    ledger.read(restarted(2_000, 'webhook'));
    expect(ledger.of(MAIL, HOUR, epochMs(3_000))).toEqual([2_000]);
    expect(ledger.host(epochMs(3_000))).toEqual([]);
  });

  it('forgets a component when a person lets it run again, but the host remembers', () => {
    const ledger = createLedger();
    ledger.read(restarted(1_000));
    ledger.read({ type: 'component.released', component: MAIL, at: epochMs(1_500), by: 'person' });
    expect(ledger.of(MAIL, HOUR, epochMs(2_000))).toEqual([]);
    expect(ledger.host(epochMs(2_000))).toEqual([1_000]);
    expect(ledger.host(epochMs(1_000 + HOUR))).toEqual([]);
  });
});

describe('the ledger of faults', () => {
  const DAY = 24 * HOUR;
  const faults = (events: RecoveryEvent[], now: number) => {
    const ledger = createLedger();
    for (const event of events) ledger.read(event);
    return Object.fromEntries(ledger.faults(MAIL, epochMs(now)));
  };

  it('keeps those of the last day by their signature, oldest first', () => {
    const events = [crashed(0), crashed(HOUR, 'y'), crashed(2 * HOUR), crashed(3 * HOUR, 'y')];
    expect(faults(events, 3 * HOUR)).toEqual({ x: [0, 2 * HOUR], y: [HOUR, 3 * HOUR] });
    expect(faults(events, DAY)).toEqual({ x: [2 * HOUR], y: [HOUR, 3 * HOUR] });
    expect(faults(events, DAY + 2 * HOUR)).toEqual({ y: [3 * HOUR] });
  });

  it('leaves out an end that came from outside, and what comes again within a second', () => {
    expect(faults([crashed(0, 'x', 'external_termination')], 1)).toEqual({});
    expect(
      faults(
        [0, 400, 999, 1_000, 1_500, 2_000].map((at) => crashed(at)),
        3_000,
      ),
    ).toEqual({ x: [0, 1_000, 2_000] });
  });

  it('is wiped when a person lets the component run again', () => {
    const released: RecoveryEvent = { type: 'component.released', component: MAIL, at: epochMs(5), by: 'person' };
    expect(faults([crashed(0), released], HOUR)).toEqual({});
  });
});

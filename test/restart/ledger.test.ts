import { describe, expect, it } from 'vitest';
import { componentName, epochMs, type RecoveryEvent } from '../../src/model/index.ts';
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

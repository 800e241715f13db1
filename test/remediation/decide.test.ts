import { describe, expect, it } from 'vitest';
import { epochMs, remediationDecisions, type AlertIdentity } from '../../src/model/index.ts';
import { decideRemediation, type Situation, type Target } from '../../src/remediation/decide.ts';

const NOW = epochMs(10_000_000);
const HOUR = 3_600_000;
const alert: AlertIdentity = { name: 'Down', fingerprint: 'ab', startsAt: epochMs(NOW - 5_000), status: 'firing' };
const target: Target = {
  held: false,
  enabled: true,
  healthySince: null,
  busy: false,
  restart: { kind: 'restart', rule: 'immediate', delayMs: 0, attempt: 1 },
};
const open: Situation = {
  enabled: true,
  rule: { cooldown: 300_000, max_per_hour: 3, dry_run: false },
  action: 'restart',
  target,
  seen: false,
  over: false,
  inFlight: false,
  executions: [],
};
const times = (...ago: number[]) => ago.map((ms) => epochMs(NOW - ms));
const refused = (rule: string): Target => ({ ...target, restart: { kind: 'refuse', rule, why: 'no' } });

/** Each gate alone shut, in the order in which they stand. */
const gates: { decision: string; shut: Partial<Situation>; alert?: Partial<AlertIdentity> }[] = [
  { decision: 'paused', shut: { enabled: false } },
  { decision: 'no_policy', shut: { rule: null } },
  { decision: 'duplicate', shut: { seen: true } },
  { decision: 'resolved', shut: {}, alert: { status: 'resolved' } },
  { decision: 'stale', shut: { over: true } },
  { decision: 'denied', shut: { target: null } },
  { decision: 'healthy', shut: { target: { ...target, healthySince: epochMs(NOW - 1_000) } } },
  { decision: 'locked', shut: { inFlight: true } },
  { decision: 'cooldown', shut: { executions: times(299_999) } },
  { decision: 'rate_limited', shut: { executions: times(HOUR - 1, 2_000_000, 300_000) } },
  { decision: 'budget_exhausted', shut: { target: refused('budget') } },
  { decision: 'dry_run', shut: { rule: { cooldown: 300_000, max_per_hour: 3, dry_run: true } } },
  { decision: 'execute', shut: {} },
];

describe('what becomes of an alert', () => {
  it.each(gates)('$decision', ({ decision, shut, alert: change }) => {
    const verdict = decideRemediation({ ...alert, ...change }, { ...open, ...shut }, NOW);
    expect(verdict.decision).toBe(decision);
    expect(verdict.why === '').toBe(decision === 'execute');
  });

  it('is decided by the first gate that is shut', () => {
    const shutting = gates.filter(({ decision, shut }) => decision !== 'execute' && Object.keys(shut).length > 0);
    for (const [index, first] of shutting.entries())
      for (const later of shutting.slice(index + 1)) {
        // Both at once where they do not shut the same gate.
        if (Object.keys(first.shut).some((key) => key in later.shut)) continue;
        const verdict = decideRemediation(alert, { ...open, ...later.shut, ...first.shut }, NOW);
        expect(verdict.decision, `${first.decision} before ${later.decision}`).toBe(first.decision);
      }
  });

  it('is one of the decisions that the metric knows', () => {
    for (const { decision } of gates) expect(remediationDecisions).toContain(decision);
  });

  it.each([
    { what: 'it is held down by a person', of: { held: true } },
    { what: 'it is not enabled', of: { enabled: false } },
    { what: 'its policy refuses', of: refused('no_restart') },
  ])('is denied when $what', ({ of }) => {
    expect(decideRemediation(alert, { ...open, target: { ...target, ...of } }, NOW).decision).toBe('denied');
  });

  it.each([
    {
      healthy: 'since before the alert began: it is about something that our checks do not see',
      ago: 65_001,
      becomes: 'execute',
    },
    { healthy: 'since shortly before it began: scrapes are late', ago: 65_000, becomes: 'healthy' },
    { healthy: 'since it began', ago: 4_000, becomes: 'healthy' },
  ])('a component that is healthy $healthy: $becomes', ({ ago, becomes }) => {
    const healthy = { ...target, healthySince: epochMs(NOW - ago) };
    expect(decideRemediation(alert, { ...open, target: healthy }, NOW).decision).toBe(becomes);
  });

  it('does not ask whether a component needs to be stopped or to save its state', () => {
    const healthy = { ...target, healthySince: NOW };
    for (const action of ['stop', 'checkpoint'])
      expect(decideRemediation(alert, { ...open, action, target: healthy }, NOW).decision).toBe('execute');
  });

  it('waits for its time like any restart, and does not ask for one that runs to be started', () => {
    const wait: Target = {
      ...target,
      restart: { kind: 'wait', rule: 'maintenance_window', until: null, why: 'later' },
    };
    expect(decideRemediation(alert, { ...open, target: wait }, NOW)).toEqual({ decision: 'locked', why: 'later' });
    const old = { ...target, healthySince: epochMs(1) };
    expect(decideRemediation(alert, { ...open, action: 'start', target: old }, NOW).decision).toBe('healthy');
  });

  it('is not misled by clocks: one that was put back here, one that is ahead elsewhere', () => {
    const tomorrow = epochMs(NOW + 86_400_000);
    const healthy = { ...target, healthySince: tomorrow };
    const ahead = { ...alert, startsAt: tomorrow };
    expect(decideRemediation(alert, { ...open, target: healthy, executions: [tomorrow] }, NOW).decision).toBe(
      'execute',
    );
    const healed = { ...target, healthySince: epochMs(NOW - 1_000) };
    expect(decideRemediation(ahead, { ...open, target: healed }, NOW).decision).toBe('healthy');
  });

  it('is free again when the cooldown and the hour are over', () => {
    for (const executions of [times(300_000), times(HOUR, HOUR - 1, 2_000_000), times(HOUR + 1, HOUR, HOUR)])
      expect(decideRemediation(alert, { ...open, executions }, NOW).decision).toBe('execute');
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  componentName,
  epochMs,
  priorities,
  restartPolicies,
  restartReasons,
  type EpochMs,
} from '../../src/model/index.ts';
import {
  attemptsSoFar,
  decide,
  isCounted,
  worstFault,
  type RestartRequest,
  type Situation,
} from '../../src/restart/index.ts';
import { restartPolicySchema, type RestartPolicy } from '../../src/restart/policy.ts';

const NOW = epochMs(Date.UTC(2026, 10, 23, 12));
const ago = (ms: number): EpochMs => epochMs(NOW - ms);
const policy = (given: Partial<RestartPolicy> = {}): RestartPolicy => ({ ...restartPolicySchema.parse({}), ...given });

const crash: RestartRequest = {
  reason: 'crash',
  by: 'supervisor',
  force: false,
  crash: { code: 1, severity: 'high', signature: null },
};
const failing: RestartRequest = { reason: 'health', by: 'supervisor', force: false, crash: null };
const person: RestartRequest = { reason: 'manual', by: 'person', force: false, crash: null };
const webhook: RestartRequest = { reason: 'alert', by: 'webhook', force: false, crash: null };

const situation = (given: Partial<Situation> = {}): Situation => ({
  record: { attempts: 0, readyAt: null, lastEndAt: null },
  policy: policy(),
  priority: 'medium',
  restarts: [],
  faults: new Map(),
  toBlame: null,
  hostRestarts: [],
  hostLimit: 10,
  recovering: [],
  maintenance: null,
  ...given,
});

describe('the delay before a restart', () => {
  it.each([
    { kind: 'immediate', attempts: 4, delayMs: 0 },
    { kind: 'delayed', attempts: 0, delayMs: 5_000 },
    { kind: 'delayed', attempts: 4, delayMs: 5_000 },
    { kind: 'exponential_backoff', attempts: 0, delayMs: 5_000 },
    { kind: 'exponential_backoff', attempts: 1, delayMs: 10_000 },
    { kind: 'exponential_backoff', attempts: 3, delayMs: 40_000 },
    { kind: 'exponential_backoff', attempts: 9, delayMs: 300_000 },
  ] as const)('is $delayMs ms for $kind after $attempts attempts', ({ kind, attempts, delayMs }) => {
    const record = { attempts, readyAt: null, lastEndAt: null };
    expect(decide(crash, situation({ policy: policy({ policy: kind }), record }), NOW)).toEqual({
      kind: 'restart',
      rule: kind,
      delayMs,
      attempt: attempts + 1,
    });
  });

  it('starts afresh after a whole window of health', () => {
    const record = { attempts: 4, readyAt: ago(300_000), lastEndAt: NOW };
    expect(decide(crash, situation({ record }), NOW)).toMatchObject({ delayMs: 5_000, attempt: 1 });
  });

  it('goes on growing when the health was one millisecond short of the window', () => {
    const record = { attempts: 3, readyAt: ago(299_999), lastEndAt: NOW };
    expect(decide(crash, situation({ record }), NOW)).toMatchObject({ delayMs: 40_000, attempt: 4 });
  });

  it('is none for a webhook and for a person: they have waited long enough', () => {
    expect(decide(webhook, situation(), NOW)).toMatchObject({ kind: 'restart', delayMs: 0 });
    expect(decide(person, situation(), NOW)).toMatchObject({ kind: 'restart', delayMs: 0 });
  });
});

describe('the restart budget', () => {
  const used = (count: number) => Array.from({ length: count }, (_, i) => ago(60_000 - i * 1_000));

  it.each([
    { restarts: used(4), becomes: 'restart' },
    { restarts: used(5), becomes: 'fail' },
    { restarts: used(6), becomes: 'fail' },
  ])('of 5 with $restarts.length used becomes: $becomes', ({ restarts, becomes }) => {
    expect(decide(crash, situation({ restarts }), NOW).kind).toBe(becomes);
    expect(decide(failing, situation({ restarts }), NOW).kind).toBe(becomes);
  });

  it('forgets a restart exactly when the window has passed', () => {
    const restarts = [ago(300_000), ...used(4)];
    expect(decide(crash, situation({ restarts }), NOW).kind).toBe('restart');
    expect(decide(crash, situation({ restarts: [ago(299_999), ...used(4)] }), NOW).kind).toBe('fail');
  });

  it('of 0 never restarts', () => {
    expect(decide(crash, situation({ policy: policy({ max_restarts: 0 }) }), NOW).kind).toBe('fail');
  });

  it('refuses a webhook unless its rule says force, and never a person', () => {
    const full = situation({ restarts: used(5) });
    expect(decide(webhook, full, NOW)).toMatchObject({ kind: 'refuse', rule: 'budget' });
    expect(decide({ ...webhook, force: true }, full, NOW).kind).toBe('restart');
    expect(decide(person, full, NOW).kind).toBe('restart');
  });

  it('is not touched by what a person asks for or a dependency causes', () => {
    expect(isCounted(person)).toBe(false);
    expect(isCounted({ by: 'supervisor', reason: 'dependency' })).toBe(false);
    expect(isCounted(crash)).toBe(true);
    expect(isCounted(webhook)).toBe(true);
  });
});

describe('the slow loop', () => {
  const HOUR = 3_600_000;
  const alike: RestartRequest = { ...crash, crash: { code: 1, severity: 'high', signature: 'a' } };
  const faults = (...agoHours: number[]) => new Map([['a', agoHours.map((hours) => ago(hours * HOUR))]]);

  it.each([
    { hours: [4, 3, 2], becomes: 'restart' },
    { hours: [4, 3, 2, 1], becomes: 'fail' },
    { hours: [23.9, 3, 2, 1], becomes: 'fail' },
    { hours: [24, 3, 2, 1], becomes: 'restart' },
    // One burst is one: the budget has judged it.
    { hours: [3, 3, 3, 3, 3, 2.99, 1], becomes: 'restart' },
    { hours: [4, 3, 2, 0.01], becomes: 'restart' },
    { hours: [4, 3, 2.01, 2, 0.05], becomes: 'restart' },
  ])('crashes $hours hours ago and another one now become: $becomes', ({ hours, becomes }) => {
    expect(decide(alike, situation({ faults: faults(...hours) }), NOW).kind).toBe(becomes);
  });

  it('says which crash came how often', () => {
    const decision = decide(alike, situation({ faults: faults(4, 3, 2, 1) }), NOW);
    expect(decision).toMatchObject({ kind: 'fail', rule: 'slow_loop' });
    expect('why' in decision && decision.why).toContain('signature a) 5 times within 24 h');
  });

  it('is one of crashes that are alike, and of its own', () => {
    const seen = situation({ faults: faults(4, 3, 2, 1) });
    const other = { ...alike, crash: { code: 1, severity: 'high' as const, signature: 'b' } };
    expect(decide(other, seen, NOW).kind).toBe('restart');
    const killed = { ...alike, crash: { code: null, severity: 'high' as const, signature: null } };
    expect(decide(killed, situation({ faults: faults(5, 4, 3, 2, 1) }), NOW).kind).toBe('restart');
  });

  it('is seen when a hang is found, whose signature is not known yet', () => {
    const hang = { ...failing, reason: 'hang' as const };
    expect(decide(hang, situation({ faults: faults(4, 3, 2, 1) }), NOW).kind).toBe('restart');
    expect(decide(hang, situation({ faults: faults(5, 4, 3, 2, 1) }), NOW)).toMatchObject({ rule: 'slow_loop' });
  });

  it('refuses a webhook unless its rule says force, and never a person', () => {
    const looping = situation({ faults: faults(5, 4, 3, 2, 1) });
    expect(decide(webhook, looping, NOW)).toMatchObject({ kind: 'refuse', rule: 'slow_loop' });
    expect(decide({ ...webhook, force: true }, looping, NOW).kind).toBe('restart');
    expect(decide(person, looping, NOW).kind).toBe('restart');
  });

  it('is as long as the policy says, and none at all with 0', () => {
    const seen = faults(6, 5, 4, 3, 2, 1);
    expect(decide(alike, situation({ faults: seen, policy: policy({ slow_loop_after: 8 }) }), NOW).kind).toBe(
      'restart',
    );
    expect(decide(alike, situation({ faults: seen, policy: policy({ slow_loop_after: 7 }) }), NOW).kind).toBe('fail');
    expect(decide(alike, situation({ faults: seen, policy: policy({ slow_loop_after: 0 }) }), NOW).kind).toBe(
      'restart',
    );
  });
});

describe('a logical component that does not begin anew', () => {
  const unanswered: RestartRequest = { ...crash, unanswered: true };
  const toBlame = { dependency: componentName('core'), why: 'its parent core is its own process' };

  it('has its parent restarted, before its budget is used up', () => {
    expect(decide(unanswered, situation({ toBlame }), NOW)).toEqual({
      kind: 'blame',
      rule: 'parent',
      dependency: 'core',
      why: 'it does not begin anew inside core',
    });
    expect(decide(crash, situation({ toBlame }), NOW)).toMatchObject({ kind: 'restart' });
  });

  it('is told once more when its parent cannot be blamed (again)', () => {
    expect(decide(unanswered, situation(), NOW)).toMatchObject({ kind: 'restart' });
  });
});

describe('a dependency that is to blame', () => {
  const toBlame = { dependency: componentName('db'), why: 'its dependency db is unhealthy' };
  const restarts = Array.from({ length: 5 }, () => ago(1_000));
  const faults = new Map([['a', [6, 5, 4, 3, 2, 1].map((hours) => ago(hours * 3_600_000))]]);

  it.each([
    { what: 'a used-up budget', given: { restarts }, rule: 'budget' },
    { what: 'a slow loop', given: { faults }, rule: 'slow_loop' },
  ])('is restarted before $what ends in failure', ({ given, rule }) => {
    expect(decide(failing, situation(given), NOW)).toMatchObject({ kind: 'fail', rule });
    expect(decide(failing, situation({ ...given, toBlame }), NOW)).toMatchObject({
      kind: 'blame',
      rule,
      dependency: 'db',
    });
  });

  it('is left alone while a restart of the component itself may help, and by those who may not fail it', () => {
    expect(decide(crash, situation({ toBlame }), NOW).kind).toBe('restart');
    expect(decide(webhook, situation({ toBlame, restarts }), NOW).kind).toBe('refuse');
    const fatal = { ...crash, crash: { code: 1, severity: 'fatal' as const, signature: null } };
    expect(decide(fatal, situation({ toBlame }), NOW).kind).toBe('fail');
  });
});

describe('policies that do not restart', () => {
  it.each([
    { kind: 'no_restart', request: crash, becomes: 'stay' },
    { kind: 'no_restart', request: failing, becomes: 'refuse' },
    { kind: 'no_restart', request: person, becomes: 'refuse' },
    { kind: 'no_restart', request: { ...person, force: true }, becomes: 'restart' },
    { kind: 'manual_only', request: crash, becomes: 'stay' },
    { kind: 'manual_only', request: failing, becomes: 'refuse' },
    { kind: 'manual_only', request: person, becomes: 'restart' },
    { kind: 'manual_only', request: webhook, becomes: 'restart' },
  ] as const)('$kind, asked by $request.by for $request.reason: $becomes', ({ kind, request, becomes }) => {
    expect(decide(request, situation({ policy: policy({ policy: kind }) }), NOW).kind).toBe(becomes);
  });
});

describe('exit codes', () => {
  const policyWithCodes = policy({ exit_codes: { '0': 'ignore', '78': 'fail', '3': 'restart' } });
  it.each([
    { code: 0, becomes: 'stay' },
    { code: 78, becomes: 'fail' },
    { code: 3, becomes: 'restart' },
    { code: 1, becomes: 'restart' },
    { code: null, becomes: 'restart' },
  ])('$code becomes: $becomes', ({ code, becomes }) => {
    const request = { ...crash, crash: { code, severity: 'high' as const, signature: null } };
    expect(decide(request, situation({ policy: policyWithCodes }), NOW).kind).toBe(becomes);
  });

  it('of a fatal crash do not matter: a person must look', () => {
    const request = { ...crash, crash: { code: 3, severity: 'fatal' as const, signature: null } };
    expect(decide(request, situation({ policy: policyWithCodes }), NOW)).toMatchObject({ kind: 'fail', rule: 'fatal' });
  });
});

describe('the host', () => {
  const hostRestarts = Array.from({ length: 10 }, (_, i) => ago(3_000_000 - i * 1_000));

  it('lets others wait until its oldest restart is an hour old', () => {
    expect(decide(crash, situation({ hostRestarts }), NOW)).toMatchObject({
      kind: 'wait',
      rule: 'host_budget',
      until: ago(3_000_000) + 3_600_000,
    });
  });

  it('lets critical components go on, and people, and webhooks', () => {
    expect(decide(crash, situation({ hostRestarts, priority: 'critical' }), NOW).kind).toBe('restart');
    expect(decide(person, situation({ hostRestarts }), NOW).kind).toBe('restart');
    expect(decide(webhook, situation({ hostRestarts }), NOW).kind).toBe('restart');
  });
});

describe('priority', () => {
  it.each([
    { priority: 'critical', recovering: ['critical', 'high'], becomes: 'restart' },
    { priority: 'high', recovering: ['critical'], becomes: 'restart' },
    { priority: 'medium', recovering: ['high'], becomes: 'wait' },
    { priority: 'medium', recovering: ['medium', 'low'], becomes: 'restart' },
    { priority: 'low', recovering: ['medium'], becomes: 'wait' },
    { priority: 'low', recovering: [], becomes: 'restart' },
  ] as const)('$priority while $recovering recover: $becomes', ({ priority, recovering, becomes }) => {
    expect(decide(crash, situation({ priority, recovering }), NOW).kind).toBe(becomes);
  });

  it('low waits for a maintenance window if any is set', () => {
    const closed = { open: false, nextAt: epochMs(NOW + 5) };
    expect(decide(crash, situation({ priority: 'low', maintenance: closed }), NOW)).toMatchObject({
      kind: 'wait',
      rule: 'maintenance_window',
      until: NOW + 5,
    });
    expect(decide(crash, situation({ priority: 'low', maintenance: { ...closed, open: true } }), NOW).kind).toBe(
      'restart',
    );
    expect(decide(crash, situation({ priority: 'medium', maintenance: closed }), NOW).kind).toBe('restart');
  });
});

describe('any history', () => {
  const times = fc
    .array(fc.integer({ min: 0, max: 7_200_000 }), { maxLength: 30 })
    .map((list) => list.toSorted((a, b) => b - a).map(ago));
  const any = fc.record({
    request: fc.record({
      reason: fc.constantFrom(...restartReasons),
      by: fc.constantFrom('supervisor', 'person', 'webhook'),
      force: fc.boolean(),
      crash: fc.option(
        fc.record({
          code: fc.option(fc.integer({ min: 0, max: 255 })),
          severity: fc.constantFrom('low', 'high', 'critical'),
          signature: fc.option(fc.constantFrom('a', 'b')),
        }),
      ),
    }) as fc.Arbitrary<RestartRequest>,
    situation: fc.record({
      record: fc.record({
        attempts: fc.nat(50),
        readyAt: fc.option(fc.nat(600_000).map(ago)),
        lastEndAt: fc.option(fc.nat(600_000).map(ago)),
      }),
      policy: fc
        .record({
          policy: fc.constantFrom(...restartPolicies),
          max_restarts: fc.nat(10),
          slow_loop_after: fc.constantFrom(0, 2, 5),
        })
        .map((given) => policy(given)),
      priority: fc.constantFrom(...priorities),
      restarts: times,
      faults: fc.record({ a: times, b: times }).map((faults) => new Map(Object.entries(faults))),
      toBlame: fc.option(fc.constant({ dependency: componentName('db'), why: 'it is unhealthy' })),
      hostRestarts: times.map((list) => list.filter((at) => NOW - at < 3_600_000)),
      hostLimit: fc.nat(20),
      recovering: fc.array(fc.constantFrom(...priorities)),
      maintenance: fc.option(
        fc.record({ open: fc.boolean(), nextAt: fc.option(fc.nat().map((ms) => epochMs(NOW + ms))) }),
      ),
    }) as fc.Arbitrary<Situation>,
  });

  it('never exceeds the budget on its own account', () => {
    fc.assert(
      fc.property(any, ({ request, situation: s }) => {
        const inWindow = s.restarts.filter((at) => NOW - at < s.policy.restart_window).length;
        const decision = decide(request, s, NOW);
        if (request.by === 'supervisor' && isCounted(request) && inWindow >= s.policy.max_restarts)
          expect(decision.kind).not.toBe('restart');
      }),
      { numRuns: 3_000 },
    );
  });

  it('never restarts on its own account what keeps crashing alike', () => {
    fc.assert(
      fc.property(any, ({ request, situation: s }) => {
        const limit = s.policy.slow_loop_after;
        const signature = request.crash?.signature ?? null;
        if (limit === 0 || request.by !== 'supervisor' || !isCounted(request) || signature === null) return;
        if ((worstFault(s.faults, signature, s.policy, NOW)?.count ?? 0) >= limit)
          expect(decide(request, s, NOW).kind).not.toBe('restart');
      }),
      { numRuns: 3_000 },
    );
  });

  it('never lets a critical component wait, and never delays beyond max_delay', () => {
    fc.assert(
      fc.property(any, ({ request, situation: s }) => {
        const decision = decide(request, s, NOW);
        if (s.priority === 'critical') expect(decision.kind).not.toBe('wait');
        if (decision.kind === 'restart') expect(decision.delayMs).toBeLessThanOrEqual(s.policy.max_delay);
      }),
      { numRuns: 3_000 },
    );
  });

  it('counts attempts from none after health', () => {
    fc.assert(
      fc.property(any, ({ situation: s }) => {
        expect(attemptsSoFar(s.record, s.policy, NOW)).toBeLessThanOrEqual(s.record.attempts);
      }),
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { begin, dueAt, type Condition } from '../../src/breakers/condition.ts';
import { admit, conclude, elapse, obey, type Result, type Transition } from '../../src/breakers/decide.ts';
import { breakerSchema } from '../../src/breakers/schema.ts';

const policy = breakerSchema.parse({ failure_threshold: 3, failure_window: '60s', half_open_max_calls: 2 });

/** A breaker played through step by step; times in seconds. */
class Play {
  condition: Condition = begin(0, 100);
  readonly transitions: Transition[] = [];
  readonly policy;

  constructor(changes: Partial<typeof policy> = {}) {
    this.policy = { ...policy, ...changes };
  }

  #take({ condition, transition }: { condition: Condition; transition: Transition | null }): void {
    this.condition = condition;
    if (transition) this.transitions.push(transition);
  }

  time(at: number): this {
    this.#take(elapse(this.condition, this.policy, at * 1_000));
    return this;
  }

  ask(at: number) {
    this.time(at);
    const { condition, admission } = admit(this.condition, this.policy, at * 1_000);
    this.condition = condition;
    return admission;
  }

  /** @returns whether it was counted. */
  end(at: number, result: Partial<Result> = {}): boolean {
    this.time(at);
    const given = { ok: true, permit: null, beganAt: at * 1_000, error: '', ...result };
    const step = conclude(this.condition, given, this.policy, at * 1_000);
    this.#take(step);
    return step.counted;
  }

  fail(...times: number[]): this {
    for (const at of times) this.end(at, { ok: false, error: 'refused' });
    return this;
  }

  succeed(...times: number[]): this {
    for (const at of times) this.end(at);
    return this;
  }

  wish(at: number, wish: Parameters<typeof obey>[1]): this {
    this.#take(obey(this.condition, wish, 'manual', at * 1_000));
    return this;
  }

  /** Asks and gets leave. */
  permit(at: number): string {
    const admission = this.ask(at);
    if (!admission.permitted) throw new Error(`refused for ${admission.waitMs} ms`);
    return admission.permit;
  }
}

const opened = (changes: Partial<typeof policy> = {}) => new Play(changes).fail(1, 2, 3);
const halfOpen = (changes: Partial<typeof policy> = {}) => opened(changes).time(33);

describe('a closed breaker', () => {
  it.each([
    { it: 'stays closed below the threshold', play: new Play().fail(1, 2), is: 'closed' },
    { it: 'opens at the threshold', play: new Play().fail(1, 2, 3), is: 'open' },
    {
      it: 'opens after failures in a row, however far apart',
      play: new Play().fail(1, 1_000, 2_000),
      is: 'open',
      reason: '3 failures in a row; the last: refused',
    },
    {
      it: 'opens after as many within the window, with successes between them',
      play: new Play().fail(1).succeed(2).fail(3).succeed(4).fail(61),
      is: 'open',
      reason: '3 failures within 1m; the last: refused',
    },
    {
      it: 'stays closed when they are spread over more than the window',
      play: new Play().fail(1).succeed(2).fail(3).succeed(4).fail(61.001),
      is: 'closed',
    },
    { it: 'stays closed whatever share fails', play: new Play().succeed(0).fail(1).succeed(2), is: 'closed' },
    {
      it: 'opens at once with a threshold of one',
      play: new Play({ failure_threshold: 1 }).fail(1),
      is: 'open',
      reason: 'a call has failed; the last: refused',
    },
  ])('$it', ({ play, is, reason }) => {
    expect(play.condition.is).toBe(is);
    if (reason !== undefined) expect(play.transitions.at(-1)?.reason).toBe(reason);
  });

  it('tells since when calls have failed and until when it is open', () => {
    expect(new Play().fail(1).succeed(2).fail(3, 4, 5).transitions).toEqual([
      {
        from: 'closed',
        to: 'open',
        trigger: 'policy',
        reason: '3 failures within 1m; the last: refused',
        firstFailureAt: 1_000,
        until: 34_000,
      },
    ]);
  });

  it('counts no call that began before it was closed', () => {
    const play = opened().wish(10, 'reset');
    expect(play.end(11, { ok: false, beganAt: 9_999 })).toBe(false);
    expect(play.end(11, { ok: false, beganAt: 10_000 })).toBe(true);
    expect(play.condition).toMatchObject({ is: 'closed', consecutiveFailures: 1 });
  });

  it('counts a long call that began before anything was known', () => {
    expect(new Play().end(1, { beganAt: -60_000 })).toBe(true);
  });

  it('counts a permit of its own epoch only', () => {
    const play = new Play();
    const permit = play.permit(0);
    play.fail(1, 2, 3).wish(4, 'reset');
    expect(play.end(5, { ok: false, permit })).toBe(false);
    expect(play.end(5, { ok: false, permit: play.permit(5) })).toBe(true);
  });
});

describe('an open breaker', () => {
  it('refuses with what is left of its time', () => {
    expect(opened().ask(13)).toEqual({ permitted: false, waitMs: 20_000 });
  });

  it('ignores every result', () => {
    const play = opened();
    for (const ok of [true, false]) expect(play.end(5, { ok, permit: '101.1' })).toBe(false);
    expect(play.condition.is).toBe('open');
  });

  it('lets probes through when its time is over, and not before', () => {
    const play = opened();
    expect(play.time(32.999).condition.is).toBe('open');
    expect(play.time(33).condition.is).toBe('half_open');
    expect(play.transitions.at(-1)).toMatchObject({
      from: 'open',
      to: 'half_open',
      reason: 'it was open for 30s: probes may try',
    });
  });
});

describe('a half-open breaker', () => {
  it('has no more probes in flight than allowed', () => {
    const play = halfOpen();
    const permits = [play.permit(33), play.permit(33)];
    expect(new Set(permits).size).toBe(2);
    expect(play.ask(33)).toEqual({ permitted: false, waitMs: 1_000 });
    play.end(34, { permit: permits[0]! });
    expect(play.ask(34).permitted).toBe(true);
    expect(play.ask(34).permitted).toBe(false);
  });

  it('closes after enough successes', () => {
    const play = halfOpen();
    play.end(34, { permit: play.permit(33) });
    expect(play.condition).toMatchObject({ is: 'half_open', successes: 1 });
    play.end(35, { permit: play.permit(34) });
    expect(play.condition).toMatchObject({ is: 'closed', consecutiveFailures: 0, failures: [] });
    expect(play.transitions.at(-1)).toMatchObject({ to: 'closed', reason: '2 probes have succeeded' });
  });

  it('opens at any failure, for the whole time again', () => {
    const play = halfOpen({ success_threshold: 5 });
    for (const at of [33, 34, 35]) play.end(at, { permit: play.permit(at) });
    play.end(36, { permit: play.permit(36), ok: false, error: 'timeout' });
    expect(play.transitions.at(-1)).toEqual({
      from: 'half_open',
      to: 'open',
      trigger: 'policy',
      reason: 'a probe has failed: timeout',
      firstFailureAt: 36_000,
      until: 66_000,
    });
  });

  it('opens when a probe does not report back', () => {
    const play = halfOpen();
    const silent = play.permit(40);
    play.end(99, { permit: play.permit(50) });
    expect(dueAt(play.condition)).toBe(100_000);
    expect(play.time(99.999).condition.is).toBe('half_open');
    expect(play.time(100).condition).toMatchObject({ is: 'open', until: 130_000 });
    expect(play.transitions.at(-1)?.reason).toBe('a probe has not reported back within 1m');
    expect(play.end(100, { permit: silent })).toBe(false);
  });

  it('waits for ever for the first probe', () => {
    expect(halfOpen().time(1e6).condition.is).toBe('half_open');
  });

  it.each([
    { what: 'of a call without a permit', permit: () => null },
    { what: 'of a call that began while it was closed', permit: () => '100.1' },
    { what: 'of a probe of the time before', permit: (play: Play) => play.permit(33), again: true },
    { what: 'that comes twice', permit: (play: Play) => play.permit(33), twice: true },
  ])('ignores a result $what', ({ permit, again, twice }) => {
    const play = halfOpen();
    const given = permit(play);
    if (again) play.end(34, { ok: false, permit: play.permit(34) });
    if (again) play.time(64);
    if (twice) play.end(34, { permit: given });
    const before = play.condition;
    expect(before.is).toBe('half_open');
    for (const ok of [true, false]) expect(play.end(64, { ok, permit: given })).toBe(false);
    expect(play.condition).toBe(before);
  });
});

describe('a person', () => {
  it('opens it until it is closed or reset: no time and no result moves it', () => {
    const play = new Play().wish(1, 'open').time(1e6);
    play.end(1e6);
    expect(play.condition.is).toBe('forced_open');
    expect(play.ask(1e6)).toEqual({ permitted: false, waitMs: 30_000 });
  });

  it('closes it: every call is permitted and counted, and none opens it', () => {
    const play = opened().wish(4, 'close');
    for (let at = 5; at < 50; at++) expect(play.end(at, { ok: false, permit: play.permit(at) })).toBe(true);
    expect(play.condition.is).toBe('forced_closed');
  });

  it('resets it: closed, with nothing remembered', () => {
    for (const play of [opened(), halfOpen(), new Play().wish(1, 'open'), new Play().wish(1, 'close')])
      expect(play.wish(40, 'reset').condition).toMatchObject({ is: 'closed', since: 40_000, failures: [] });
    expect(new Play().fail(1, 2).wish(3, 'reset').fail(4, 5).condition.is).toBe('closed');
  });

  it('is told of no change where there is none', () => {
    for (const wish of ['open', 'close', 'reset'] as const) {
      const play = new Play().wish(1, wish);
      const { length } = play.transitions;
      expect(play.wish(2, wish).transitions).toHaveLength(length);
      expect(play.condition.since).toBe(wish === 'reset' ? 0 : 1_000);
    }
  });

  it.each([
    ['open', 'manual', 'forced open by a person'],
    ['close', 'alert', 'forced closed because of an alert'],
    ['reset', 'chaos', 'reset by an experiment'],
  ] as const)('who wants it to %s (%s) is named', (wish, trigger, reason) => {
    const condition = { ...begin(0, 1), is: 'forced_open' as const };
    const from = wish === 'open' ? begin(0, 1) : condition;
    expect(obey(from, wish, trigger, 1).transition).toMatchObject({ trigger, reason });
  });
});

describe('whatever happens', () => {
  const wishes = ['open', 'close', 'reset'] as const;
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(20_000) }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('ask' as const) }) },
    {
      weight: 8,
      arbitrary: fc.record({
        do: fc.constant('end' as const),
        ok: fc.oneof(fc.constant(true), fc.boolean()),
        /** Which of the permits that were given, newest first; none: the call was made without asking. */
        which: fc.option(fc.nat(4)),
        durationMs: fc.nat(30_000),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('wish' as const), wish: fc.constantFrom(...wishes) }) },
  );
  const policies = fc.record({
    failure_threshold: fc.integer({ min: 1, max: 4 }),
    half_open_max_calls: fc.integer({ min: 1, max: 3 }),
    success_threshold: fc.integer({ min: 1, max: 4 }),
    half_open_max_wait: fc.integer({ min: 1, max: 30_000 }),
    recovery_timeout: fc.integer({ min: 1, max: 30_000 }),
  });

  it('probes are bounded, closing takes enough successes, and late results move nothing', () => {
    fc.assert(
      fc.property(policies, fc.array(step, { maxLength: 120 }), (changes, steps) => {
        const play = new Play(changes);
        const permits: { permit: string; epoch: number }[] = [];
        /** Leases that are out, told from outside: of this half-open epoch, neither ended nor overdue. */
        let leased = new Set<string>();
        let successes = 0;
        let now = play.fail(1, 1, 1, 1).condition.since + changes.recovery_timeout;
        let seen = play.transitions.length;
        const look = () => {
          for (const { from, to, trigger } of play.transitions.slice(seen)) {
            if (from === 'half_open' && to === 'closed' && trigger === 'policy')
              expect(successes).toBeGreaterThanOrEqual(changes.success_threshold);
            if (from === 'open') expect(to === 'half_open' || trigger === 'manual').toBe(true);
            leased = new Set();
            successes = 0;
          }
          seen = play.transitions.length;
          expect(leased.size).toBeLessThanOrEqual(changes.half_open_max_calls);
        };
        for (const one of steps) {
          if (one.do === 'wait') now += one.ms;
          play.time(now / 1_000);
          look();
          const before = play.condition;
          if (one.do === 'ask') {
            const admission = play.ask(now / 1_000);
            expect(admission.permitted && (before.is === 'open' || before.is === 'forced_open')).toBe(false);
            if (admission.permitted) permits.push({ permit: admission.permit, epoch: before.epoch });
            if (admission.permitted && before.is === 'half_open') leased.add(admission.permit);
          }
          if (one.do === 'end') {
            const given = one.which === null ? undefined : permits.at(-1 - one.which);
            const late = given ? given.epoch !== before.epoch : now - one.durationMs < before.callsFrom;
            const stray = before.is === 'half_open' && !leased.has(given?.permit ?? '');
            if (one.ok && before.is === 'half_open' && given && leased.delete(given.permit)) successes++;
            const counted = play.end(now / 1_000, {
              ok: one.ok,
              permit: given?.permit ?? null,
              beganAt: now - one.durationMs,
            });
            if (late || stray) expect(counted).toBe(false);
            if (!counted) expect(play.condition).toBe(before);
          }
          if (one.do === 'wish') play.wish(now / 1_000, one.wish);
          look();
        }
      }),
      { numRuns: 500 },
    );
  });
});

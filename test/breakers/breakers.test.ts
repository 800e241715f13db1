import { describe, expect, it, onTestFinished } from 'vitest';
import { createBreakers, type BreakersDeps, type Outcome } from '../../src/breakers/index.ts';
import { breakerSchema } from '../../src/breakers/schema.ts';
import { componentName, type EventOf, type RecoveryEvent } from '../../src/model/index.ts';
import { FakeClock } from '../support/fake-clock.ts';

const agent = componentName('agent_core');
const policy = (changes: Record<string, unknown> = {}) => breakerSchema.parse(changes);

/** The breakers of one daemon, with what they state. */
function house(options: Partial<BreakersDeps> = {}, policies = { gpt_api: policy() }) {
  const clock = (options.clock as FakeClock | undefined) ?? new FakeClock();
  const events: RecoveryEvent[] = [];
  const breakers = createBreakers({
    clock,
    emit: (...told) => void events.push(...told),
    past: [],
    mask: (text) => text.replace('s3cret', '***'),
    ...options,
  });
  onTestFinished(() => breakers.shutdown());
  breakers.configure(policies);
  const transitions = () =>
    events.filter((event): event is EventOf<'breaker.transitioned'> => event.type === 'breaker.transitioned');
  const results = () => events.flatMap((event) => (event.type === 'breaker.called' ? [event.result] : []));
  const tell = (outcome: Partial<Outcome>, times = 1) => {
    const one = { dependency: 'gpt_api', ok: false, durationMs: 0, error: 'refused', ...outcome };
    return breakers.report(
      Array.from({ length: times }, () => one),
      agent,
    );
  };
  const leave = () => {
    const permission = breakers.permit('gpt_api', agent);
    if (!permission.permitted) throw new Error(`refused for ${permission.waitMs} ms`);
    return permission.permit;
  };
  return { clock, events, breakers, transitions, results, tell, leave };
}

describe('outcomes', () => {
  it('are events, and open a breaker with who moved it, why and until when', () => {
    const { clock, events, tell } = house();
    tell({ durationMs: 250 }, 5);
    expect(events.slice(0, -1)).toEqual(
      Array.from({ length: 5 }, () => ({
        type: 'breaker.called',
        at: clock.now(),
        breaker: 'gpt_api',
        caller: agent,
        result: 'failure',
        durationMs: 250,
      })),
    );
    expect(events.at(-1)).toEqual({
      type: 'breaker.transitioned',
      at: clock.now(),
      breaker: 'gpt_api',
      from: 'closed',
      to: 'open',
      trigger: 'policy',
      reason: '5 failures in a row; the last: refused',
      caller: agent,
      firstFailureAt: clock.now(),
      until: clock.now() + 30_000,
    });
  });

  it('are told apart: success, timeout, failure, and too late', () => {
    const { results, tell } = house();
    tell({ ok: true });
    tell({ error: 'timeout' });
    tell({}, 4);
    tell({});
    expect(results()).toEqual(['success', 'timeout', 'failure', 'failure', 'failure', 'failure', 'ignored']);
  });

  it('of a dependency without a breaker are counted nowhere', () => {
    const { events, tell } = house();
    expect(tell({ dependency: 'smtp' }, 3)).toEqual({ unknown: ['smtp'] });
    expect(tell({ dependency: 'constructor' })).toEqual({ unknown: ['constructor'] });
    expect(events).toEqual([]);
  });

  it('show no secret and no novel in the reason', () => {
    const { transitions, tell } = house({}, { gpt_api: policy({ failure_threshold: 1 }) });
    tell({ error: `s3cret\n${'x'.repeat(900)}` });
    expect(transitions()[0]!.reason).toMatch(/^a call has failed; the last: \*\*\* x+…$/);
    expect(transitions()[0]!.reason.length).toBeLessThan(310);
  });
});

describe('a breaker', () => {
  it('lets probes through by itself when its time is over', async () => {
    const { clock, transitions, tell, breakers } = house();
    tell({}, 5);
    await clock.advance(29_999);
    expect(breakers.get('gpt_api').state).toBe('open');
    await clock.advance(1);
    expect(breakers.get('gpt_api').state).toBe('half_open');
    expect(transitions().at(-1)).toMatchObject({ at: clock.now(), to: 'half_open', caller: null, until: null });
  });

  it('answers by the time and not by its timer, which may be late', () => {
    const { clock, tell, breakers } = house();
    tell({}, 5);
    // A loop that was held up: the time has gone on, and no timer has run.
    const late = clock.monotonic() + 30_000;
    clock.monotonic = () => late;
    expect(breakers.permit('gpt_api', agent)).toMatchObject({ permitted: true, state: 'half_open' });
  });

  it('closes after its probes, and tells of each refusal', async () => {
    const { clock, transitions, results, tell, leave, breakers } = house();
    tell({}, 5);
    expect(breakers.permit('gpt_api', agent)).toEqual({ permitted: false, waitMs: 30_000, state: 'open' });
    await clock.advance(30_000);
    const permits = [leave(), leave(), leave()];
    expect(breakers.permit('gpt_api', agent)).toEqual({ permitted: false, waitMs: 1_000, state: 'half_open' });
    expect(breakers.get('gpt_api')).toMatchObject({ probesInFlight: 3 });
    for (const permit of permits) tell({ ok: true, permit });
    expect(transitions().at(-1)).toMatchObject({ from: 'half_open', to: 'closed', reason: '2 probes have succeeded' });
    expect(results().slice(5)).toEqual(['rejected', 'rejected', 'success', 'success', 'ignored']);
  });

  it('opens again when a probe is never heard of, and ignores it later', async () => {
    const { clock, transitions, results, tell, leave } = house();
    tell({}, 5);
    await clock.advance(30_000);
    const silent = leave();
    await clock.advance(60_000);
    expect(transitions().at(-1)).toMatchObject({ from: 'half_open', to: 'open', trigger: 'policy' });
    tell({ ok: true, permit: silent });
    expect(results().at(-1)).toBe('ignored');
  });

  it('has a status', () => {
    const { clock, tell, breakers } = house();
    expect(breakers.get('gpt_api')).toMatchObject({ state: 'closed', reason: '', calls: 0, failureRatio: null });
    tell({ ok: true });
    tell({}, 3);
    expect(breakers.list()).toEqual([
      {
        name: 'gpt_api',
        state: 'closed',
        since: clock.now(),
        until: null,
        reason: '',
        consecutiveFailures: 3,
        probesInFlight: 0,
        calls: 4,
        failureRatio: 0.75,
        policy: policy(),
      },
    ]);
  });

  it('that nobody has configured is not found', () => {
    const { breakers } = house();
    for (const ask of [
      breakers.get,
      (name: string) => breakers.permit(name, agent),
      (n: string) => breakers.open(n, 'manual'),
    ])
      expect(() => ask('smtp')).toThrow(expect.objectContaining({ code: 'BREAKER_NOT_FOUND' }));
  });
});

describe('a call in this process', () => {
  it('is made while it is permitted, and counted', async () => {
    const { breakers, results, transitions } = house({}, { gpt_api: policy({ failure_threshold: 2 }) });
    expect(await breakers.call('gpt_api', () => 'answer')).toBe('answer');
    const timeout = Object.assign(new Error('too slow'), { name: 'TimeoutError' });
    await expect(breakers.call('gpt_api', () => Promise.reject(timeout))).rejects.toBe(timeout);
    await expect(breakers.call('gpt_api', () => Promise.reject(new Error('down')))).rejects.toThrow('down');
    let made = false;
    await expect(breakers.call('gpt_api', () => (made = true))).rejects.toMatchObject({ code: 'BREAKER_OPEN' });
    expect(made).toBe(false);
    expect(results()).toEqual(['success', 'timeout', 'failure', 'rejected']);
    expect(transitions()).toMatchObject([
      { to: 'open', caller: 'host', reason: '2 failures in a row; the last: down' },
    ]);
  });

  it('that ends after the breaker has moved on moves nothing', async () => {
    const { breakers, results, tell } = house();
    const slow = Promise.withResolvers<string>();
    const running = breakers.call('gpt_api', () => slow.promise);
    tell({}, 5);
    slow.resolve('late');
    expect(await running).toBe('late');
    expect(results().at(-1)).toBe('ignored');
    expect(breakers.get('gpt_api').state).toBe('open');
  });

  it('that ends after its breaker has gone says nothing, and wakes nobody', async () => {
    const { breakers, clock, events } = house();
    const slow = Promise.withResolvers<string>();
    const running = breakers.call('gpt_api', () => slow.promise);
    breakers.configure({});
    const told = events.length;
    slow.reject(new Error('late'));
    await expect(running).rejects.toThrow('late');
    expect(events).toHaveLength(told);
    expect(clock.pending).toBe(0);
  });
});

describe('a person', () => {
  it.each([
    ['open', 'forced_open', 'gpt_api is forced open', 'gpt_api is forced open already'],
    ['close', 'forced_closed', 'gpt_api is forced closed', 'gpt_api is forced closed already'],
  ] as const)('may %s it', (wish, state, done, again) => {
    const { breakers, transitions } = house();
    expect(breakers[wish]('gpt_api', 'manual')).toBe(done);
    expect(breakers[wish]('gpt_api', 'manual')).toBe(again);
    expect(transitions()).toMatchObject([{ to: state, trigger: 'manual', caller: null }]);
    expect(breakers.permit('gpt_api', agent).permitted).toBe(wish === 'close');
  });

  it('may reset it: its failures are forgotten, its statistics too', () => {
    const { breakers, tell, transitions } = house();
    tell({}, 4);
    expect(breakers.reset('gpt_api', 'manual')).toBe('gpt_api is reset: closed, and judging by itself');
    expect(breakers.get('gpt_api')).toMatchObject({ state: 'closed', consecutiveFailures: 0, calls: 0 });
    tell({}, 4);
    expect(transitions()).toEqual([]);
    tell({});
    breakers.reset('gpt_api', 'manual');
    expect(transitions()).toMatchObject([{ to: 'open' }, { from: 'open', to: 'closed', reason: 'reset by a person' }]);
  });
});

describe('after a restart of the daemon', () => {
  it('an open breaker stays open for exactly what was left, and old permits are worth nothing', async () => {
    const first = house();
    const old = first.leave();
    first.tell({}, 5);
    await first.clock.advance(12_000);
    first.breakers.shutdown();

    const second = house({ clock: first.clock, past: first.transitions() });
    expect(second.breakers.get('gpt_api')).toMatchObject({
      state: 'open',
      since: first.transitions()[0]!.at,
      until: first.transitions()[0]!.until,
      reason: '5 failures in a row; the last: refused',
    });
    expect(second.breakers.permit('gpt_api', agent)).toMatchObject({ waitMs: 18_000 });
    await second.clock.advance(18_000);
    second.tell({ ok: true, permit: old });
    expect(second.results().at(-1)).toBe('ignored');
    expect(second.breakers.get('gpt_api').state).toBe('half_open');
  });

  it('the last of its transitions counts', () => {
    const first = house();
    first.breakers.open('gpt_api', 'manual');
    first.breakers.reset('gpt_api', 'manual');
    expect(house({ past: first.transitions() }).breakers.get('gpt_api').state).toBe('closed');
  });

  it('one that is taken out of the configuration and put back begins anew', () => {
    const first = house();
    first.tell({}, 5);
    const second = house({ clock: first.clock, past: first.transitions() });
    second.breakers.configure({});
    second.breakers.configure({ gpt_api: policy() });
    expect(second.breakers.get('gpt_api').state).toBe('closed');
  });

  it('one that was half open goes on there, with probes of its own', async () => {
    const first = house();
    first.tell({}, 5);
    await first.clock.advance(30_000);
    first.leave();
    const second = house({ clock: first.clock, past: first.transitions() });
    expect(second.breakers.get('gpt_api')).toMatchObject({ state: 'half_open', probesInFlight: 0 });
    second.tell({ ok: true, permit: second.leave() });
    second.tell({ ok: true, permit: second.leave() });
    expect(second.breakers.get('gpt_api').state).toBe('closed');
  });
});

describe('a new configuration', () => {
  it('adds, changes and removes', async () => {
    const { breakers, clock, tell, transitions } = house();
    breakers.configure({ gpt_api: policy({ failure_threshold: 2 }), smtp: policy() });
    expect(breakers.list().map(({ name }) => name)).toEqual(['gpt_api', 'smtp']);
    tell({}, 2);
    expect(breakers.get('gpt_api').state).toBe('open');

    breakers.configure({ gpt_api: policy(), smtp: policy() });
    expect(breakers.get('gpt_api')).toMatchObject({ state: 'open', policy: policy() });

    breakers.configure({ smtp: policy() });
    expect(() => breakers.get('gpt_api')).toThrow(expect.objectContaining({ code: 'BREAKER_NOT_FOUND' }));
    expect(transitions().at(-1)).toMatchObject({ to: 'closed', reason: 'removed from the configuration by a person' });
    expect(clock.pending).toBe(0);

    breakers.configure({ gpt_api: policy() });
    expect(breakers.get('gpt_api')).toMatchObject({ state: 'closed' });
    expect(house({ past: transitions() }).breakers.get('gpt_api').state).toBe('closed');
  });

  it('keeps what was counted, unless its window changes', () => {
    const { breakers, tell } = house();
    tell({}, 3);
    breakers.configure({ gpt_api: policy({ failure_threshold: 4 }) });
    expect(breakers.get('gpt_api')).toMatchObject({ consecutiveFailures: 3, calls: 3 });
    breakers.configure({ gpt_api: policy({ failure_threshold: 4, failure_window: '10s' }) });
    expect(breakers.get('gpt_api')).toMatchObject({ consecutiveFailures: 3, calls: 0 });
    tell({});
    expect(breakers.get('gpt_api').state).toBe('open');
  });
});

it('leaves no timer behind', () => {
  const { breakers, clock, tell } = house();
  tell({}, 5);
  expect(clock.pending).toBe(1);
  breakers.shutdown();
  expect(clock.pending).toBe(0);
});

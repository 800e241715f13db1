import { describe, expect, it } from 'vitest';
import { createDegradation, type DegradationDeps, type NetworkReading } from '../../src/degradation/index.ts';
import { degradationSchema } from '../../src/degradation/schema.ts';
import { componentName, HOST, type EventOf, type IncidentId, type RecoveryEvent } from '../../src/model/index.ts';
import { FakeClock } from '../support/fake-clock.ts';

const tts = componentName('tts');
const standard = {
  features: {
    planning: { priority: 'critical' },
    writing: { depends_on: ['planning'] },
    speech: { priority: 'low', fallback: { message: 'text only' } },
  },
};
const components = { tts: { enabled: true, priority: 'low' as const, features: ['speech'] } };

function begin(
  given: Partial<DegradationDeps> & { text?: Record<string, unknown> | null; clock?: FakeClock; begin?: boolean } = {},
) {
  const { text = standard, clock = new FakeClock() } = given;
  const events: RecoveryEvent[] = [];
  const found = { cpu: 0.1 as number | null, memory: 0.1 as number | null, network: null as NetworkReading | null };
  const ran: string[] = [];
  const degradation = createDegradation({
    clock,
    emit: (...stated) => void events.push(...stated),
    past: [],
    clean: false,
    recoveryMode: false,
    read: () => found,
    goneBecause: () => null,
    allWell: () => true,
    incidentOf: () => undefined,
    run: async (command, _timeoutMs, env) => {
      ran.push(`${command.join(' ')} ${env['PARAMEDIC_FEATURE']}`);
      return { code: command[0] === 'false' ? 1 : 0, stdout: 'said\n', stderr: '' };
    },
    mask: (said) => said,
    ...given,
  });
  const configure = (next: Record<string, unknown> | null) =>
    degradation.configure({ components, ...(next && { degradation: degradationSchema.parse(next) }) });
  configure(text);
  if (given.begin ?? true) degradation.begin();
  const levels = () =>
    events.flatMap((event) =>
      event.type === 'degradation.level_changed' ? [`${event.from}→${event.to} ${event.trigger}`] : [],
    );
  const switched = () =>
    events.flatMap((event) =>
      event.type === 'degradation.feature_changed' ? [`${event.enabled ? '+' : '-'}${event.feature}`] : [],
    );
  return { clock, degradation, configure, events, found, ran, levels, switched };
}

describe('a pin', () => {
  it('of a person counts exactly, in both directions, until it is given back', () => {
    const { degradation, levels, switched } = begin();
    expect(degradation.pin('minimal', 'manual', null)).toBe('the level is held at minimal until it is given back');
    expect(degradation.standing()).toMatchObject({
      level: 'minimal',
      features: { planning: { enabled: true }, writing: { enabled: false }, speech: { enabled: false } },
    });
    degradation.pin('reduced', 'manual', null);
    expect(degradation.unpin('manual')).toBe('the level is given back, and is full');
    expect(degradation.unpin('manual')).toBe('nobody holds the level: it is full');
    expect(levels()).toEqual(['full→minimal manual', 'minimal→reduced manual', 'reduced→full manual']);
    expect(switched()).toEqual(['-writing', '-speech', '+writing', '+speech']);
  });

  it('ends when its time is over', async () => {
    const { clock, degradation, events, levels } = begin();
    expect(degradation.pin('offline', 'manual', 90_000)).toBe('the level is held at offline for 1m 30s');
    await clock.advance(89_999);
    expect(degradation.status()).toMatchObject({ level: 'offline', until: clock.now() + 1, trigger: 'manual' });
    await clock.advance(1);
    expect(degradation.standing().level).toBe('full');
    expect(levels()).toEqual(['full→offline manual', 'offline→full policy']);
    expect(events.filter(({ type }) => type === 'degradation.unpinned')).toMatchObject([{ why: 'expired' }]);
    expect(clock.pending).toBe(1);
  });

  it('longer than a timer of the system can be is looked at again', async () => {
    const { clock, degradation } = begin();
    const short = clock.after.bind(clock);
    clock.after = (ms, run) => short(Math.min(ms, 1_000), run);
    degradation.pin('minimal', 'manual', 5_000);
    await clock.advance(4_999);
    expect(degradation.standing().level).toBe('minimal');
    await clock.advance(1);
    expect(degradation.standing().level).toBe('full');
  });

  it('of an alert holds for a quarter of an hour, never makes it better, and gives way to a person', async () => {
    const { clock, degradation } = begin();
    expect(degradation.pin('minimal', 'alert', null)).toBe('the level is held at minimal for 15m');
    expect(degradation.pin('reduced', 'alert', null)).toMatch(/^the level is held at minimal already, until 2026-/);
    degradation.pin('full', 'manual', 60_000);
    expect(degradation.standing().level).toBe('full');
    expect(() => degradation.pin('emergency', 'alert', null)).toThrow(/degrade of "host" refused: a person holds/);
    expect(() => degradation.unpin('alert')).toThrow(expect.objectContaining({ code: 'ACTION_REFUSED' }));
    await clock.advance(60_000);
    expect(degradation.standing().level).toBe('minimal');
    expect(degradation.unpin('alert')).toBe('the level is given back, and is full');
  });

  it('is stated again each day, so that it is not forgotten with old events', async () => {
    const { clock, degradation, events } = begin();
    degradation.pin('minimal', 'manual', null);
    const [pin] = events.filter(({ type }) => type === 'degradation.pinned') as EventOf<'degradation.pinned'>[];
    for (let hour = 0; hour < 49; hour++) {
      await clock.advance(3_600_000);
      degradation.account();
    }
    const again = events.filter(({ type }) => type === 'degradation.pinned') as EventOf<'degradation.pinned'>[];
    expect(again.map(({ since }) => since)).toEqual([pin!.since, pin!.since, pin!.since]);
  });
});

describe('after the death of the daemon', () => {
  const life = async (run: (house: ReturnType<typeof begin>) => unknown, downMs: number, given = {}) => {
    const before = begin();
    await run(before);
    const clock = new FakeClock(before.clock.now() + downMs);
    return begin({ clock, past: before.events, ...given });
  };

  it('a pin holds for what was left of its time, and nobody is switched twice', async () => {
    const { clock, degradation, events } = await life(
      ({ degradation }) => degradation.pin('minimal', 'manual', 60_000),
      20_000,
    );
    expect(degradation.status()).toMatchObject({
      level: 'minimal',
      trigger: 'manual',
      reason: 'a person asked for it',
    });
    expect(events).toEqual([]);
    degradation.account();
    expect(events).toMatchObject([
      { type: 'degradation.lasted' },
      { type: 'degradation.pinned', since: clock.now() - 20_000 },
    ]);
    await clock.advance(40_000);
    expect(degradation.standing().level).toBe('full');
  });

  it('one whose time was over meanwhile is none', async () => {
    const { degradation, levels, switched } = await life(
      ({ degradation }) => degradation.pin('minimal', 'manual', 60_000),
      60_000,
    );
    expect(degradation.standing().level).toBe('full');
    expect(levels()).toEqual(['minimal→full policy']);
    expect(switched()).toEqual(['+writing', '+speech']);
  });

  const strained = async ({ found, clock }: ReturnType<typeof begin>) => {
    found.cpu = 1;
    await clock.advance(60_000);
  };

  it('the level of the machine goes on', async () => {
    const { degradation, clock, levels } = await life(strained, 5_000);
    expect(degradation.status()).toMatchObject({ level: 'emergency', policyLevel: 'emergency' });
    await clock.advance(60_000);
    expect(degradation.standing().level).toBe('emergency');
    await clock.advance(30_000);
    expect(levels()).toEqual(['emergency→full policy']);
  });

  it('the level of the machine begins anew when all were stopped together, or nothing is said of it any more', async () => {
    expect((await life(strained, 5_000, { clean: true })).levels()).toEqual(['emergency→full policy']);
    expect((await life(strained, 5_000, { text: null })).levels()).toEqual(['emergency→full policy']);
  });
});

describe('the level of the machine', () => {
  it('follows two readings in a row, and comes back when all is well for a while', async () => {
    const { clock, degradation, events, found, levels } = begin();
    found.memory = 0.97;
    await clock.advance(30_000);
    expect(levels()).toEqual([]);
    await clock.advance(30_000);
    expect(events.find(({ type }) => type === 'degradation.level_changed')).toMatchObject({
      to: 'emergency',
      reason: 'memory at 97%, from 95% on',
    });
    found.memory = 0.2;
    await clock.advance(90_000);
    expect(levels()).toEqual(['full→emergency policy', 'emergency→full policy']);
    expect(degradation.status().reading).toEqual({ cpu: 0.1, memory: 0.2, errorRate: null, network: null });
  });

  it('goes offline at once when the network trips, and by no other check', () => {
    const { degradation, found } = begin();
    const trip = { type: 'check.tripped', at: new FakeClock().now(), component: HOST, check: 'net' } as RecoveryEvent;
    degradation.hear(trip);
    expect(degradation.standing().level).toBe('full');
    found.network = 'lost';
    degradation.hear(trip);
    expect(degradation.standing().level).toBe('offline');
  });

  it('counts the calls of the last minute that failed, when there were enough', async () => {
    const { clock, degradation, found } = begin({ text: { interval: '10s' } });
    found.cpu = found.memory = null;
    degradation.outcomes(Array.from({ length: 9 }, () => ({ ok: false })));
    await clock.advance(20_000);
    expect(degradation.standing().level).toBe('full');
    degradation.outcomes([{ ok: true }]);
    await clock.advance(20_000);
    expect(degradation.status()).toMatchObject({ level: 'emergency', reading: { errorRate: 0.9 } });
    await clock.advance(30_000);
    expect(degradation.status().reading?.errorRate).toBeNull();
  });

  it('is not read where nothing is said of it', async () => {
    const { clock, degradation, configure, found } = begin({ text: null });
    found.cpu = 1;
    expect(clock.pending).toBe(0);
    configure({ interval: '1s' });
    await clock.advance(2_000);
    expect(degradation.standing().level).toBe('emergency');
    configure(null);
    expect(degradation.status()).toMatchObject({ level: 'full', policyLevel: null });
    expect(clock.pending).toBe(0);
  });

  it('is told how long it lasts', async () => {
    const { clock, degradation, events } = begin({ text: null });
    await clock.advance(4_000);
    degradation.pin('reduced', 'manual', null);
    await clock.advance(1_000);
    degradation.account();
    const lasted = events.flatMap((event) =>
      event.type === 'degradation.lasted' ? [[event.level, event.durationMs]] : [],
    );
    expect(lasted).toEqual([
      ['full', 4_000],
      ['reduced', 1_000],
    ]);
  });
});

describe('recovery mode', () => {
  it('begins at minimal and rises when all has been well for a while', async () => {
    let well = false;
    const { clock, degradation, levels } = begin({ recoveryMode: true, allWell: () => well, text: null });
    const ready = { type: 'component.ready', component: tts } as RecoveryEvent;
    expect(degradation.standing().level).toBe('minimal');
    await clock.advance(3_600_000);
    well = true;
    degradation.hear(ready);
    await clock.advance(59_999);
    well = false;
    degradation.hear({ type: 'component.health_changed', component: tts } as RecoveryEvent);
    await clock.advance(60_000);
    expect(degradation.standing().level).toBe('minimal');
    well = true;
    degradation.hear(ready);
    await clock.advance(60_000);
    expect(levels()).toEqual(['full→minimal policy', 'minimal→full policy']);
  });

  it('is that of a restart of the whole system too', () => {
    const { degradation } = begin();
    degradation.hear({ type: 'system.restarting', at: new FakeClock().now(), cause: tts, why: '' });
    expect(degradation.status()).toMatchObject({
      level: 'minimal',
      reason: expect.stringMatching(/^recovery mode/) as string,
    });
  });
});

describe('a component that is given up', () => {
  const at = new FakeClock().now();
  const failed: RecoveryEvent = { type: 'component.failed', component: tts, at, rule: 'budget', why: 'used up' };
  const ready = { type: 'component.ready', component: tts, at } as RecoveryEvent;
  const held: RecoveryEvent = { type: 'component.held', component: tts, at, by: 'person' };
  const gives: RecoveryEvent = {
    type: 'restart.decided',
    component: tts,
    at,
    reason: 'health',
    by: 'supervisor',
    decision: { kind: 'fail', rule: 'budget', why: '' },
    counted: true,
  };
  const stays = (rule: string): RecoveryEvent => ({
    type: 'restart.decided',
    component: tts,
    at,
    reason: 'crash',
    by: 'supervisor',
    decision: { kind: 'stay', rule, why: '' },
    counted: true,
  });

  it('takes its features out first, in the same piece, under its incident', () => {
    const incident = 'f'.repeat(32) as IncidentId;
    const { degradation } = begin({ incidentOf: () => incident });
    expect(degradation.atStake(tts)).toEqual(['speech']);
    const [off, ...rest] = degradation.follow([failed]);
    expect(off).toMatchObject({
      type: 'degradation.feature_changed',
      feature: 'speech',
      enabled: false,
      reason: 'its component tts has failed',
      cause: tts,
      incident,
    });
    expect(rest).toEqual([failed]);
    expect(degradation.standing().features['speech']?.fallback).toMatchObject({ fallback: true, message: 'text only' });
    expect(degradation.atStake(tts)).toEqual([]);
  });

  it('brings them back when it is ready again, not when it is allowed to', () => {
    const { degradation } = begin();
    degradation.follow([failed]);
    const released: RecoveryEvent = { type: 'component.released', component: tts, at, by: 'person' };
    expect(degradation.follow([released])).toEqual([released]);
    expect(degradation.follow([ready])).toMatchObject([ready, { feature: 'speech', enabled: true, reason: null }]);
  });

  it.each([
    ['failed', [failed], false],
    ['given up, and its process still lives', [gives], false],
    ['stopped by a person', [held], false],
    ['not started again by its policy', [stays('no_restart')], false],
    ['done with what it had to do', [stays('exit_codes')], true],
    ['no longer configured', [failed, { type: 'component.removed', component: tts, at } as RecoveryEvent], true],
  ])('because it is %s', (_, events, enabled) => {
    const { degradation } = begin();
    degradation.follow(events);
    expect(degradation.standing().features['speech']?.enabled).toBe(enabled);
  });

  it('was given up by an earlier daemon, or is disabled', () => {
    expect(begin({ goneBecause: () => 'has failed' }).degradation.standing().features['speech']).toMatchObject({
      reason: 'its component tts has failed',
    });
    const { degradation } = begin();
    degradation.configure({ components: { tts: { ...components.tts, enabled: false } } });
    expect(degradation.standing().features['speech']).toMatchObject({ reason: 'its component tts is disabled' });
    degradation.configure({ components });
    expect(degradation.standing().features['speech']?.enabled).toBe(false);
    degradation.follow([ready]);
    expect(degradation.standing().features['speech']?.enabled).toBe(true);
  });

  it('leaves the standing the same object as long as nothing changes', () => {
    const { degradation, configure } = begin();
    const before = degradation.standing();
    configure(standard);
    degradation.follow([ready]);
    expect(degradation.standing()).toBe(before);
  });
});

describe('the commands of a feature', () => {
  const text = (disable: string) => ({
    features: { speech: { priority: 'low', on_disable: { command: [disable] }, on_enable: { command: ['enable'] } } },
  });

  it('are run after it was switched, and what becomes of them is told', async () => {
    const { clock, degradation, events, ran } = begin({ text: text('false') });
    degradation.pin('reduced', 'manual', null);
    expect(ran).toEqual([]);
    await clock.advance(0);
    degradation.unpin('manual');
    await clock.advance(0);
    expect(ran).toEqual(['false speech', 'enable speech']);
    expect(events.filter(({ type }) => type === 'degradation.command_finished')).toMatchObject([
      { command: 'on_disable', outcome: 'failure', why: 'it ended with 1', output: 'said' },
      { command: 'on_enable', outcome: 'success', why: '' },
    ]);
  });

  it('come one after the other, and only as long as they are wanted', async () => {
    const done: (() => void)[] = [];
    const started: string[] = [];
    const run = (command: readonly string[]) => {
      started.push(command[0]!);
      const end = { code: 0, stdout: '', stderr: '' };
      return new Promise<typeof end>((resolve) => done.push(() => resolve(end)));
    };
    const { clock, degradation } = begin({ text: text('disable'), run });
    degradation.pin('reduced', 'manual', null);
    await clock.advance(0);
    degradation.unpin('manual');
    degradation.pin('reduced', 'manual', null);
    degradation.unpin('manual');
    await clock.advance(0);
    expect(started).toEqual(['disable']);
    done[0]!();
    await clock.advance(0);
    done[1]!();
    await clock.advance(0);
    expect(started).toEqual(['disable', 'enable']);
    degradation.pin('reduced', 'manual', null);
    degradation.unpin('manual');
    await clock.advance(0);
    expect(started).toEqual(['disable', 'enable']);
  });

  it('that cannot be run hold up nobody', async () => {
    const run = () => Promise.reject(new Error('"nobody" could not be started'));
    const { clock, degradation, events } = begin({ text: text('nobody'), run });
    degradation.pin('reduced', 'manual', null);
    await clock.advance(0);
    expect(degradation.standing().features['speech']?.enabled).toBe(false);
    expect(events.at(-1)).toMatchObject({ outcome: 'failure', why: '"nobody" could not be started' });
  });
});

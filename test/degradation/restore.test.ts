import { describe, expect, it } from 'vitest';
import { FakeClock } from '../support/fake-clock.ts';
import { begin, tts } from './begin.ts';

/** One feature that can be given up, and the commands that belong to it. */
const standardFor = (disable: readonly string[]) => ({
  features: { speech: { priority: 'low', on_disable: { command: disable }, on_enable: { command: ['enable'] } } },
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
      { type: 'degradation.recorded', pins: [{ since: clock.now() - 20_000 }] },
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

  it('the reason is that of the machine, whoever has spoken last', async () => {
    const { degradation } = await life(({ degradation }) => degradation.pin('minimal', 'manual', null), 1_000);
    degradation.unpin('manual');
    degradation.pin('reduced', 'alert', 1_000);
    degradation.unpin('alert');
    expect(degradation.status()).toMatchObject({ level: 'full', reason: '' });
  });

  it('what an alert has asked for under a person is not taken for the level of the machine', async () => {
    const { degradation } = await life(async ({ clock, degradation }) => {
      degradation.pin('reduced', 'alert', 3_600_000);
      degradation.pin('full', 'manual', 1_000);
      await clock.advance(1_000);
    }, 1_000);
    expect(degradation.status()).toMatchObject({ level: 'reduced', trigger: 'alert', policyLevel: 'full' });
    degradation.unpin('manual');
    expect(degradation.standing().level).toBe('full');
  });

  it.each([
    ['given back', (degradation: ReturnType<typeof begin>['degradation']) => void degradation.unpin('manual')],
    ['still held', () => {}],
  ])('the level of the machine under that of a person goes on, %s', async (_, then) => {
    const { degradation } = await life(async (before) => {
      before.degradation.pin('full', 'manual', null);
      await strained(before);
      then(before.degradation);
    }, 1_000);
    degradation.unpin('manual');
    expect(degradation.status()).toMatchObject({ level: 'emergency', reason: 'CPU at 100%, from 90% on' });
  });

  it('recovery mode is gone on with where a restart of the whole system is', async () => {
    const restarting = { type: 'system.restarting', at: new FakeClock().now(), cause: tts, why: '' } as const;
    const { degradation, levels } = await life(({ degradation }) => degradation.hear(restarting), 1_000, {
      recoveryMode: true,
      allWell: () => false,
    });
    expect(degradation.status()).toMatchObject({
      level: 'minimal',
      reason: expect.stringMatching(/^recovery/) as string,
    });
    expect(levels()).toEqual([]);
  });

  it('a feature that is configured no more is on', async () => {
    const { switched } = await life(({ degradation }) => degradation.pin('minimal', 'manual', null), 1_000, {
      text: { features: { planning: {} } },
    });
    expect(switched()).toEqual(['+writing', '-planning']);
  });
});

describe('what was stated long ago', () => {
  const WEEK_MS = 7 * 86_400_000;
  /** A life of nine days, of which the last week is known. */
  const nineDays = async (run: (house: ReturnType<typeof begin>) => unknown) => {
    const before = begin({ text: standardFor(['disable']) });
    await run(before);
    for (let hour = 0; hour < 216; hour++) {
      before.degradation.account();
      await before.clock.advance(3_600_000);
    }
    const now = before.clock.now();
    return { before, now, past: before.events.filter(({ at }) => at >= now - WEEK_MS) };
  };

  it('is recorded again each day, with a pin, the level of the machine and what is off', async () => {
    const { before, now, past } = await nineDays(async ({ clock, degradation, found }) => {
      degradation.pin('minimal', 'manual', null);
      found.cpu = 0.95;
      await clock.advance(60_000);
      degradation.follow([{ type: 'component.held', component: tts, at: clock.now(), by: 'person' }]);
    });
    const { since } = before.degradation.status();
    const after = begin({
      clock: new FakeClock(now),
      past,
      text: standardFor(['disable']),
      goneBecause: () => 'was stopped',
    });
    await after.clock.advance(0);
    expect([after.events, after.ran]).toEqual([[], []]);
    expect(after.degradation.status()).toMatchObject({
      level: 'minimal',
      trigger: 'manual',
      since,
      policyLevel: 'emergency',
    });
    expect(past.filter(({ type }) => type === 'degradation.recorded').length).toBeLessThan(9);
  });

  it('has features come back with a word and their command when a pin has ended meanwhile', async () => {
    const { now, past } = await nineDays(({ degradation }) => degradation.pin('reduced', 'manual', 217 * 3_600_000));
    const after = begin({ clock: new FakeClock(now + 3_600_000), past, text: standardFor(['disable']) });
    await after.clock.advance(0);
    expect(after.levels()).toEqual(['reduced→full policy']);
    expect([after.switched(), after.ran]).toEqual([['+speech'], ['enable speech']]);
  });

  it('(control) is nothing where nothing was given up', async () => {
    const { before } = await nineDays(() => {});
    expect(before.events.filter(({ type }) => type !== 'degradation.lasted')).toEqual([]);
  });
});

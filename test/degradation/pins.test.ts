import { describe, expect, it } from 'vitest';
import { begin } from './begin.ts';

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

  it('of an alert shortens none of another, and the worst that lives counts', async () => {
    const { clock, degradation, levels } = begin();
    degradation.pin('reduced', 'alert', 7_200_000);
    expect(degradation.pin('emergency', 'alert', 10_000)).toBe('the level is held at emergency for 10s');
    expect(degradation.status().pins.map(({ level }) => level)).toEqual(['reduced', 'emergency']);
    await clock.advance(10_000);
    expect(degradation.status()).toMatchObject({ level: 'reduced', reason: 'an alert asked for it' });
    expect(degradation.pin('reduced', 'alert', 60_000)).toMatch(/^the level is held at reduced already, until 2026-/);
    await clock.advance(7_189_999);
    expect(degradation.standing().level).toBe('reduced');
    await clock.advance(1);
    expect(levels()).toEqual([
      'full→reduced alert',
      'reduced→emergency alert',
      'emergency→reduced policy',
      'reduced→full policy',
    ]);
  });

  it('of an alert that asks for less, but for longer, counts when its turn comes', async () => {
    const { clock, degradation } = begin();
    degradation.pin('emergency', 'alert', 10_000);
    expect(degradation.pin('minimal', 'alert', 60_000)).toBe(
      'the level is emergency already, and is held at minimal for 1m',
    );
    await clock.advance(10_000);
    expect(degradation.standing().level).toBe('minimal');
    await clock.advance(50_000);
    expect(degradation.standing().level).toBe('full');
  });

  it('is over in its time by the clock on the wall, also when the machine has slept', () => {
    const { clock, degradation } = begin();
    const sleep = (ms: number) => {
      const now = clock.now();
      clock.now = () => (now + ms) as typeof now;
    };
    degradation.pin('minimal', 'manual', 60_000);
    sleep(60_000);
    degradation.account();
    expect(degradation.standing().level).toBe('full');
    degradation.pin('minimal', 'manual', 60_000);
    sleep(60_000);
    expect(degradation.pin('reduced', 'alert', null)).toBe('the level is held at reduced for 15m');
  });
});

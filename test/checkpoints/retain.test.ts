import { describe, expect, it } from 'vitest';
import { retain, type Retainable } from '../../src/checkpoints/retain.ts';
import { fc } from './json-values.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const nothing = { max_age: 0, keep: 1, hourly: 0, daily: 0 };

/** Full ones, of these ages, newest first. */
const aged = (now: number, ...ages: number[]): Retainable[] =>
  ages.map((age, index) => {
    const sequence = ages.length - index;
    return { sequence, root: sequence, at: now - age, through: sequence * 10, valid: true, pinned: false };
  });

const keptOf = (all: readonly Retainable[], policy: typeof nothing, now: number): number[] => {
  const { expired } = retain(all, policy, now);
  return all.map(({ sequence }) => sequence).filter((sequence) => !expired.includes(sequence));
};

describe('retention', () => {
  const noon = 20_000 * DAY + 12 * HOUR;

  it.each([
    ['the young', { max_age: 2 * MINUTE }, [0, MINUTE, 2 * MINUTE, 3 * MINUTE], [4, 3, 2]],
    ['the newest few', { keep: 2 }, [HOUR, DAY, 2 * DAY], [3, 2]],
    ['the newest of each of two hours', { hourly: 2 }, [1, 2, HOUR + 1, HOUR + 2, 2 * HOUR + 1], [5, 3]],
    ['of hours that have one, however far apart', { hourly: 3 }, [1, 5 * HOUR, 6 * HOUR, DAY], [4, 3, 2]],
    ['the newest of each of two days', { daily: 2 }, [1, HOUR, 13 * HOUR, 14 * HOUR, 2 * DAY], [5, 3]],
    ['hours and days', { hourly: 2, daily: 3 }, [1, HOUR + 1, 13 * HOUR, 2 * DAY, 3 * DAY], [5, 4, 3, 2]],
  ])('keeps %s', (_, policy, ages, kept) => {
    expect(keptOf(aged(noon, ...ages), { ...nothing, ...policy }, noon)).toEqual(kept);
  });

  it('takes the newest that is valid of an hour, and counts only hours that have one', () => {
    const all = aged(noon, 1, HOUR + 1, HOUR + 2, 2 * HOUR + 1, 3 * HOUR + 1);
    const damaged = new Set([4, 2]);
    const some = all.map((each) => ({ ...each, valid: !damaged.has(each.sequence) }));
    expect(keptOf(some, { ...nothing, hourly: 3 }, noon)).toEqual([5, 3, 1]);
  });

  it('gives up the journal that only an hourly or daily one would need', () => {
    const all = aged(noon, 1, DAY, 2 * DAY, 3 * DAY);
    expect(retain(all, { ...nothing, daily: 9 }, noon)).toEqual({ expired: [], journalAfter: 40 });
    expect(retain(all, { ...nothing, keep: 3, daily: 9 }, noon).journalAfter).toBe(20);
  });

  it('gives up no journal when one of those that need it was saved before the first entry', () => {
    const [newest, ...rest] = aged(noon, 1, 2);
    const before = rest.map((each) => ({ ...each, through: null }));
    expect(retain([newest as Retainable, ...before], { ...nothing, keep: 2 }, noon).journalAfter).toBe(0);
    expect(retain([], nothing, noon)).toEqual({ expired: [], journalAfter: 0 });
  });

  it('keeps what was taken together with others, and what it builds on, without its journal', () => {
    const all = aged(noon, HOUR, DAY, 2 * DAY, 3 * DAY).map((one) => (one.sequence < 3 ? { ...one, root: 1 } : one));
    const pinned = all.map((one) => ({ ...one, pinned: one.sequence === 2 }));
    expect(keptOf(all, nothing, noon)).toEqual([4]);
    expect(keptOf(pinned, nothing, noon)).toEqual([4, 2, 1]);
    expect(retain(pinned, nothing, noon).journalAfter).toBe(40);
  });

  /** Chains as the store makes them, newest first; the clock may be set back. */
  const history = fc
    .array(
      fc.record({
        full: fc.boolean(),
        passedMs: fc.integer({ min: -2 * HOUR, max: 8 * HOUR }),
        valid: fc.boolean(),
        entries: fc.integer({ min: 0, max: 3 }),
      }),
      { maxLength: 40 },
    )
    .map((steps) => {
      const all: Retainable[] = [];
      for (const [index, { full, passedMs, valid, entries }] of steps.entries()) {
        const before = all[0];
        const sequence = index + 1;
        all.unshift({
          sequence,
          root: full || !before ? sequence : before.root,
          at: (before?.at ?? noon) + passedMs,
          through: (before?.through ?? 0) + entries,
          valid,
          pinned: false,
        });
      }
      return all;
    });
  const policies = fc.record({
    max_age: fc.integer({ min: 0, max: 2 * DAY }),
    keep: fc.integer({ min: 1, max: 6 }),
    hourly: fc.integer({ min: 0, max: 6 }),
    daily: fc.integer({ min: 0, max: 6 }),
  });
  const ages = fc.integer({ min: 0, max: 3 * DAY });

  it('never deletes what it promises to keep, nor what that builds on, in any history', () => {
    fc.assert(
      fc.property(history, policies, ages, (all, policy, age) => {
        const now = (all[0]?.at ?? noon) + age;
        const { expired, journalAfter } = retain(all, policy, now);
        const gone = new Set(expired);
        const valid = all.filter((each) => each.valid);
        const live = all.filter(({ sequence }) => !gone.has(sequence));
        expect(expired).toEqual(expired.toSorted((a, b) => b - a));
        for (const young of all.filter(({ at }) => at >= now - policy.max_age)) expect(live).toContain(young);
        for (const newest of [...all.slice(0, 1), ...valid.slice(0, policy.keep)]) expect(live).toContain(newest);
        for (const [periodMs, most] of [[HOUR, policy.hourly] as const, [DAY, policy.daily] as const]) {
          const periods = [...new Set(valid.map(({ at }) => Math.floor(at / periodMs)))].slice(0, most);
          for (const period of periods)
            expect(live).toContain(valid.find(({ at }) => Math.floor(at / periodMs) === period));
        }
        for (const patch of live.filter((each) => each.valid && each.sequence !== each.root))
          for (let before = patch.root; before < patch.sequence; before++) expect(gone).not.toContain(before);
        for (const replayed of valid.slice(0, policy.keep))
          expect(journalAfter).toBeLessThanOrEqual(replayed.through ?? 0);
      }),
    );
  });

  it('deletes nothing a second time, and all that nobody asked to keep', () => {
    fc.assert(
      fc.property(history, policies, ages, (all, policy, age) => {
        const now = (all[0]?.at ?? noon) + age;
        const live = all.filter(({ sequence }) => !retain(all, policy, now).expired.includes(sequence));
        expect(retain(live, policy, now).expired).toEqual([]);
        const roots = new Set(live.map(({ root }) => root));
        const most = policy.keep + policy.hourly + policy.daily + 1;
        const young = all.filter(({ at }) => at >= now - policy.max_age).length;
        expect(roots.size).toBeLessThanOrEqual(most + young);
      }),
    );
  });
});

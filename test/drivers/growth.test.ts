import { describe, expect, it } from 'vitest';
import { emptied, grow, isQuiet, stirred, unseen, watched, type Growth } from '../../src/drivers/growth.ts';

const LIMIT = 10_000_000;

/** Looks at a file that grows by so many bytes a millisecond, whenever it is to be looked at, until it is full. */
function untilFull(bytesPerMs: number, from: Growth): { looks: number; overshoot: number; last: Growth } {
  let [growth, size, looks] = [from, from.sizeBytes, 0];
  while (size < LIMIT) {
    const { waitMs } = growth;
    size += bytesPerMs * waitMs;
    growth = grow(growth, size, waitMs, LIMIT);
    looks++;
  }
  return { looks, overshoot: size - LIMIT, last: growth };
}

describe('a file that grows', () => {
  it.each([
    { what: 'a line now and then', bytesPerMs: 1 },
    { what: '200 MB/s', bytesPerMs: 200_000 },
    { what: 'two gigabytes a second', bytesPerMs: 2_000_000 },
  ])('is looked at in time at $what', ({ bytesPerMs }) => {
    const first = untilFull(bytesPerMs, stirred(unseen(0)));
    expect(first.overshoot).toBeLessThanOrEqual(Math.max(25 * bytesPerMs, LIMIT));
    // Once it is known how fast it fills, the next time is not a surprise: two milliseconds of it at most.
    const second = untilFull(bytesPerMs, emptied(first.last));
    expect(second.overshoot).toBeLessThanOrEqual(Math.max(25, 2 * bytesPerMs));
  });

  it('is looked at ever more seldom when it stops, till the system tells of the next write', () => {
    let growth = grow(stirred(unseen(0)), 5_000, 4, LIMIT);
    const waits = Array.from({ length: 8 }, () => (growth = grow(growth, 5_000, growth.waitMs, LIMIT)).waitMs);
    expect(waits).toEqual([50, 100, 200, 250, 250, 250, 250, 250]);
    expect(isQuiet(growth)).toBe(true);
    expect(isQuiet(stirred(growth))).toBe(false);
  });

  it('is looked at once in five seconds while the system watches it, and at once when it says so', () => {
    const quiet = watched(grow(unseen(5_000), 5_000, 250, LIMIT));
    expect(quiet.waitMs).toBe(5_000);
    expect(isQuiet(grow(quiet, 5_000, 5_000, LIMIT))).toBe(true);
    expect(stirred(quiet).waitMs).toBeLessThan(10);
    expect(grow(quiet, 6_000, 2_000, LIMIT).waitMs).toBeLessThan(100);
  });

  it('is no flood because it was cut off', () => {
    expect(grow(unseen(9_000_000), 0, 250, LIMIT).bytesPerMs).toBe(0);
  });
});

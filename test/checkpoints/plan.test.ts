import { describe, expect, it } from 'vitest';
import { FULL_EVERY_MS, goesOn, MOST_PATCHES } from '../../src/checkpoints/plan.ts';

describe('a chain of patches', () => {
  const chain = { patches: 3, patchBytes: 300, fullBytes: 1_000, fullAt: 1_000 };
  it.each([
    ['goes on', {}, 100, 1_100, true],
    ['ends after so many patches', { patches: MOST_PATCHES }, 1, 1_100, false],
    ['has one patch fewer to go', { patches: MOST_PATCHES - 1 }, 1, 1_100, true],
    ['ends when its patches are as large as the whole', { patchBytes: 900 }, 100, 1_100, false],
    ['ends with a patch of more than half of the whole', { patchBytes: 0 }, 501, 1_100, false],
    ['takes a patch of half of the whole', { patchBytes: 0 }, 500, 1_100, true],
    ['ends after five minutes', {}, 1, 1_000 + FULL_EVERY_MS, false],
    ['ends when the clock was set back', {}, 1, 999, false],
  ])('%s', (_, change, nextBytes, at, expected) => {
    expect(goesOn({ ...chain, ...change }, nextBytes, at)).toBe(expected);
  });
});

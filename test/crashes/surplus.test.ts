import { describe, expect, it } from 'vitest';
import { surplus, timeOfReport } from '../../src/crashes/surplus.ts';

const all = { keep: 1_000, max_age: Infinity, max_size: Infinity };
const NOW = Date.UTC(2026, 10, 23, 22, 50);
/** One report a minute, the first at 22:40, ten bytes each. */
const ids = Array.from({ length: 10 }, (_, minute) => `CRASH-20261123-22${40 + minute}00-0000000${minute}`);
const reports = ids.map((id) => ({ id, bytes: 10 }));

describe('which crash reports have to go', () => {
  it.each([
    { limits: {}, go: 0 },
    { limits: { keep: 4 }, go: 6 },
    { limits: { max_size: 35 }, go: 7 },
    { limits: { max_size: 40 }, go: 6 },
    { limits: { max_size: 5 }, go: 9 },
    { limits: { max_age: 3 * 60_000 }, go: 7 },
    { limits: { max_age: 0 }, go: 9 },
    { limits: { keep: 5, max_size: 30, max_age: 4 * 60_000 }, go: 7 },
  ])('$limits: the oldest $go of ten', ({ limits, go }) => {
    const gone = surplus(reports.toReversed(), NOW, { ...all, ...limits });
    expect(gone.toSorted()).toEqual(ids.slice(0, go));
  });

  it('is told by when the crash was', () => {
    expect(timeOfReport('CRASH-20261123-224610-1A2B3C4D')).toBe(Date.UTC(2026, 10, 23, 22, 46, 10));
    expect(timeOfReport('notes')).toBeNaN();
  });
});

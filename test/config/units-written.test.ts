import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDuration, parseRatio, parseSize, writeUnit } from '../../src/units.ts';

describe('a number written with its unit', () => {
  it.each([
    ['duration', 0, '0ms'],
    ['duration', 90_000, '90s'],
    ['duration', 86_400_000, '1d'],
    ['size', 10 * 2 ** 20, '10MiB'],
    ['size', 5_000, '5KB'],
    ['ratio', 0.1, '10%'],
  ] as const)('of a %s of %d is %s', (unit, value, text) => {
    expect(writeUnit(unit, value)).toBe(text);
  });

  it('reads back as the same number', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(10_000), (whole, share) => {
        expect(parseDuration(writeUnit('duration', whole))).toBe(whole);
        expect(parseSize(writeUnit('size', whole))).toBe(whole);
        expect(parseRatio(writeUnit('ratio', share / 10_000))).toBe(share / 10_000);
      }),
    );
  });
});

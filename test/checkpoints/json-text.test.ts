import { describe, expect, it } from 'vitest';
import { inspectJson } from '../../src/checkpoints/json-text.ts';
import { fc, jsonValue } from './json-values.ts';

const inspect = (text: string) => inspectJson(new TextEncoder().encode(text));

describe('JSON that JavaScript keeps as it is', () => {
  it.each([
    ['{"a":900719925474099,"b":[-1.5e-7,1e99]}', true],
    ['{"text":"an id: 12345678901234567890"}', true],
    ['{"id":"12345678901234567890"}', true],
    ['{"12345678901234567890":1}', true],
    ['{"id":12345678901234567890}', false],
    ['{"id": 12345678901234567890 }', false],
    ['{"text":"\\"","id":12345678901234567890}', false],
    ['[1, -1234567890123456]', false],
    ['12345678901234567890', false],
    ['[0.12345678901234567]', true],
    ['[1.5e+99,2E99]', true],
    ['{"a":1e400}', false],
    ['[0,1E+400]', false],
    ['[1.25e-400]', true],
    ['[1,2,1e4000]', false],
  ])('%s: %s', (json, exact) => {
    expect(inspect(json).exact).toBe(exact);
  });

  it.each([
    [/^-?[1-9]\d{0,25}$/, (token: string) => BigInt(Number(token)) === BigInt(token)],
    [/^-?[1-9](\.\d{1,3})?[eE]\+?\d{1,4}$/, (token: string) => Number.isFinite(Number(token))],
  ])('is never said of a number that becomes another: %s', (shape, isKept) => {
    fc.assert(
      fc.property(fc.stringMatching(shape), (token) => {
        expect(isKept(token) || !inspect(`{"a":[0,${token}]}`).exact).toBe(true);
      }),
    );
  });
});

describe('how deep JSON is nested', () => {
  it.each([['['], ['\\"'], ['\\\\'], ['[{\\"}]\\\\'], ['ü\\u005b']])(
    'is told by its brackets outside of texts, whatever is within them: %j',
    (within) => {
      for (let length = 0; length < 300; length++) {
        const text = `"${within.repeat(length)}"`;
        expect(inspect(`[${text},{"a":${text}}]`).levels).toBe(2);
      }
    },
  );

  it('is what it is, whatever it is made of', () => {
    fc.assert(
      fc.property(jsonValue, (value) => {
        expect(inspect(JSON.stringify(value)).levels).toBe(levelsOf(value));
      }),
    );
  });

  it.each(['{"a', '[1e', '["\\', ']]', '-', '"'])('is some number for what is no JSON: %s', (text) => {
    expect(inspect(text).levels).toBeLessThan(2);
  });
});

function levelsOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(levelsOf));
}

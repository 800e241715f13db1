import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseEntries, parsePatch, parsePut } from '../../src/checkpoints/body.ts';
import { isSame } from '../../src/checkpoints/patch.ts';
import { Refusal } from '../../src/checkpoints/refusal.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const put = (text: string) => {
  const { state, value, exact, ...rest } = parsePut(bytes(text));
  // What is read of it is what was sent, or is known not to be.
  expect(!exact || isSame(value, JSON.parse(Buffer.from(state).toString()))).toBe(true);
  return { state: Buffer.from(state).toString(), ...rest };
};
/** The path and the sentence of a refusal. */
function refusalOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof Refusal && error.refused.code === 'BODY_INVALID') {
      return `${error.refused.parameters.path}: ${error.refused.parameters.why}`;
    }
    throw error;
  }
  return 'accepted';
}

describe('the body of PUT state', () => {
  it.each([
    { body: '{"state":{"a":1}}', state: '{"a":1}', through: null },
    { body: '{"state":5,"schema_version":2}', state: '5', schema_version: 2, through: null },
    { body: '{"state":[],"schema_version":2,"through":7}', state: '[]', schema_version: 2, through: 7 },
    { body: '{"state":"x","through":7}', state: '"x"', through: 7 },
    { body: '{"state":"x","through":null}', state: '"x"', through: null },
    { body: '{"state":null}', state: 'null', through: null },
    { body: '{"through":7,"state":1,"schema_version":3}', state: '1', schema_version: 3, through: 7 },
    { body: '{"state":1,"through":7,"schema_version":3}', state: '1', schema_version: 3, through: 7 },
    { body: ' { "state" : { "a" : 1 } } ', state: '{ "a" : 1 }', through: null },
    { body: '{"state": [1.0, 1e2], "through": 7}', state: '[1.0, 1e2]', through: 7 },
    {
      body: '{"through":2,"state":12345678901234567890}',
      state: '12345678901234567890',
      through: 2,
    },
    { body: '{"state":{"b":1,"through":9}}', state: '{"b":1,"through":9}', through: null },
    { body: '{"state":"ü€","through":1}', state: '"ü€"', through: 1 },
    { body: '{"state":1,"state":2}', state: '2', through: null },
  ])('$body is read', ({ body, ...expected }) => {
    expect(put(body)).toEqual(expected);
  });

  it('keeps numbers that JavaScript could not', () => {
    expect(put('{"state":{"id":12345678901234567890}}').state).toBe('{"id":12345678901234567890}');
  });

  it.each([
    { body: '', names: ': is not JSON' },
    { body: '{"state":{"a":', names: ': is not JSON' },
    { body: '{"state":1}}', names: ': is not JSON' },
    { body: '[]', names: ': ' },
    { body: '{}', names: 'state: is missing' },
    { body: '{"state":1,"trough":5}', names: 'trough' },
    { body: '{"state":1,"through":-1}', names: 'through: ' },
    { body: '{"state":1,"through":1.5}', names: 'through: ' },
    { body: '{"state":1,"schema_version":"2"}', names: 'schema_version: ' },
  ])('$body is refused', ({ body, names }) => {
    expect(refusalOf(() => put(body))).toContain(names);
  });

  it('that is not UTF-8 is refused', () => {
    expect(refusalOf(() => parsePut(new Uint8Array([0x7b, 0xff, 0x7d])))).toBe(': is not UTF-8');
  });
});

describe('the body of PATCH state', () => {
  const patch = (text: string) => parsePatch(bytes(text));

  it('is a base and operations', () => {
    const operations = [{ op: 'remove', path: '/a' }];
    expect(patch(JSON.stringify({ base: 'CP-1', operations, through: 3 }))).toEqual({
      base: 'CP-1',
      operations,
      through: 3,
    });
    expect(patch('{"operations":[],"base":"CP-1"}')).toEqual({ base: 'CP-1', operations: [], through: null });
  });

  it.each([
    { body: '{"operations":[]}', names: 'base: ' },
    { body: '{"base":"CP-1"}', names: 'operations: ' },
    { body: '{"base":"CP-1","operations":{}}', names: 'operations: ' },
    { body: '{"base":"CP-1","operations":[],"state":1}', names: 'state' },
    { body: '{"base":"CP-1","operations":[{"value":12345678901234567890}]}', names: 'a number that JavaScript cannot' },
  ])('$body is refused', ({ body, names }) => {
    expect(refusalOf(() => patch(body))).toContain(names);
  });
});

describe('the body of POST journal', () => {
  it('is one entry or a list', () => {
    expect(parseEntries(bytes('{"operation":"add","data":{"n":1},"id":"x"}'))).toEqual({
      entries: [{ operation: 'add', data: '{"n":1}', id: 'x' }],
      isList: false,
    });
    expect(parseEntries(bytes('[{"operation":"add"}]'))).toEqual({
      entries: [{ operation: 'add', data: 'null' }],
      isList: true,
    });
  });

  it.each([
    '12345678901234567890',
    '{ "b": 1.0, "a": [1e2, -0.0] }',
    '"\\u00e9, \\"data\\": 1"',
    'null',
    '"x"',
    '[[],{},"]"]',
  ])('keeps what was sent, letter by letter: %s', (data) => {
    const entry = `{ "operation" : "a" , "data" : ${data} ,"id":"x"}`;
    expect(parseEntries(bytes(entry)).entries).toEqual([{ operation: 'a', data, id: 'x' }]);
    const list = ` [ {"data":1,"operation":"a","d\\u0061ta":${data}}, ${entry},{"operation":"b"} ] `;
    expect(parseEntries(bytes(list)).entries).toEqual([
      { operation: 'a', data },
      { operation: 'a', data, id: 'x' },
      { operation: 'b', data: 'null' },
    ]);
  });

  it('keeps what was sent, whatever it is', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ data: fc.json(), space: fc.constantFrom('', ' ', '\n\t') })), (sent) => {
        const texts = sent.map(
          ({ data, space }) => `{${space}"operation":${space}"a"${space},"data"${space}:${data}${space}}`,
        );
        const { entries } = parseEntries(bytes(`[${texts.join()}]`));
        expect(entries.map(({ data }) => data)).toEqual(sent.map(({ data }) => data));
      }),
    );
  });

  it.each([
    { body: '{"data":1}', names: 'operation: ' },
    { body: '[{"operation":"a"},{"operation":""}]', names: '1.operation: ' },
    { body: '{"operation":"a","extra":1}', names: 'extra' },
    { body: `[${Array.from({ length: 1_001 }, () => '{"operation":"a"}').join()}]`, names: '1000' },
  ])('$names is refused', ({ body, names }) => {
    expect(refusalOf(() => parseEntries(bytes(body)))).toContain(names);
  });
});

describe('a body from who means no good', () => {
  const nested = (levels: number) => `${'[{"a":'.repeat(levels / 2)}"[["${'}]'.repeat(levels / 2)}`;

  it('is read when it is nested deeply', () => {
    expect(put(`{"state":${nested(998)}}`).state).toHaveLength(998 * 4 + 4);
  });

  it.each([
    { what: 'state', run: () => parsePut(bytes(`{"state":${nested(1_000)}}`)) },
    { what: 'patch', run: () => parsePatch(bytes(`{"base":"x","operations":${nested(1_000)}}`)) },
    { what: 'entry', run: () => parseEntries(bytes(`{"operation":"x","data":${nested(1_000)}}`)) },
  ])('is refused when its $what is nested deeper than it could be given back', ({ run }) => {
    expect(refusalOf(run)).toContain('nested deeper than 1000 levels');
  });

  it('is not quoted at length', () => {
    const long = 'k'.repeat(1_000_000);
    expect(refusalOf(() => parsePut(bytes(`{"state":1,"${long}":2}`))).length).toBeLessThan(400);
  });
});

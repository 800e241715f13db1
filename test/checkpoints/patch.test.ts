import { describe, expect, it } from 'vitest';
import { diff } from '../../src/checkpoints/diff.ts';
import { applyPatch, isSame } from '../../src/checkpoints/patch.ts';
import { fc, jsonValue } from './json-values.ts';

const apply = (document: unknown, ...operations: unknown[]) => applyPatch(structuredClone(document), operations);

describe('a patch', () => {
  // RFC 6902, appendix A, and RFC 6901's pointers.
  it.each([
    [{ foo: 'bar' }, { op: 'add', path: '/baz', value: 'qux' }, { foo: 'bar', baz: 'qux' }],
    [{ foo: ['bar', 'baz'] }, { op: 'add', path: '/foo/1', value: 'qux' }, { foo: ['bar', 'qux', 'baz'] }],
    [{ foo: ['bar'] }, { op: 'add', path: '/foo/-', value: ['abc'] }, { foo: ['bar', ['abc']] }],
    [{ baz: 'qux', foo: 'bar' }, { op: 'remove', path: '/baz' }, { foo: 'bar' }],
    [{ foo: ['bar', 'qux', 'baz'] }, { op: 'remove', path: '/foo/1' }, { foo: ['bar', 'baz'] }],
    [{ baz: 'qux' }, { op: 'replace', path: '/baz', value: 'boo' }, { baz: 'boo' }],
    [
      { a: { b: 1 }, c: {} },
      { op: 'move', from: '/a/b', path: '/c/d' },
      { a: {}, c: { d: 1 } },
    ],
    [{ foo: ['a', 'b', 'c', 'd'] }, { op: 'move', from: '/foo/1', path: '/foo/3' }, { foo: ['a', 'c', 'd', 'b'] }],
    [{ a: [1] }, { op: 'copy', from: '/a', path: '/b' }, { a: [1], b: [1] }],
    [{ a: { b: [1, { c: null }] } }, { op: 'test', path: '/a', value: { b: [1, { c: null }] } }, undefined],
    [{ foo: 'bar' }, { op: 'add', path: '/baz', value: 'qux', xyz: 123 }, { foo: 'bar', baz: 'qux' }],
    [
      { '/': 9, '~1': 10 },
      { op: 'replace', path: '/~01', value: 11 },
      { '/': 9, '~1': 11 },
    ],
    [{ '': 1 }, { op: 'replace', path: '/', value: 2 }, { '': 2 }],
    [{ a: 1 }, { op: 'replace', path: '', value: [2] }, [2]],
    [{ a: 1 }, { op: 'add', path: '', value: 0 }, 0],
    [JSON.parse('{"__proto__":1}'), { op: 'replace', path: '/__proto__', value: 2 }, JSON.parse('{"__proto__":2}')],
    [{}, { op: 'add', path: '/__proto__', value: { x: 1 } }, JSON.parse('{"__proto__":{"x":1}}')],
  ])('%j with %j', (document, operation, becomes) => {
    expect(JSON.stringify(apply(document, operation))).toBe(JSON.stringify(becomes ?? document));
  });

  it.each([
    [{ op: 'add', path: '/baz/bat', value: 1 }, '/baz does not exist'],
    [{ op: 'add', path: '/foo/3', value: 1 }, 'the list ends at 2'],
    [{ op: 'add', path: '/foo/01', value: 1 }, 'does not exist'],
    [{ op: 'remove', path: '/nothing' }, '/nothing does not exist'],
    [{ op: 'remove', path: '/foo/-' }, 'does not exist'],
    [{ op: 'replace', path: '/foo/2', value: 1 }, 'the list ends at 1'],
    [{ op: 'replace', path: '/toString', value: 1 }, '/toString does not exist'],
    [{ op: 'test', path: '/foo/0', value: '1' }, '/foo/0 has another value'],
    [{ op: 'move', from: '/text', path: '/text/x' }, 'into itself'],
    [{ op: 'copy', from: '/nothing', path: '/a' }, '/nothing does not exist'],
    [{ op: 'copy', path: '/a' }, 'has no "from"'],
    [{ op: 'add', path: '/text/a', value: 1 }, '/text is neither'],
    [{ op: 'add', path: '/a' }, 'has no "value"'],
    [{ op: 'add', path: 'a', value: 1 }, 'begin with /'],
    [{ op: 'spam', path: '/a' }, '"op" must be'],
    ['add', 'is not an object'],
  ])('%j is refused: %s', (operation, why) => {
    expect(() => apply({ foo: [1, 2], text: 'x' }, { op: 'test', path: '/text', value: 'x' }, operation)).toThrow(
      expect.objectContaining({ index: 1, message: expect.stringContaining(why) as string }) as Error,
    );
  });
});

describe('a computed patch', () => {
  it('makes one value of another, whatever they are', () => {
    fc.assert(
      fc.property(jsonValue, jsonValue, (before, after) => {
        const operations = diff(before, after, { operations: 100_000, bytes: Infinity }) ?? [];
        // As it is stored and read again.
        const stored = JSON.parse(JSON.stringify(operations)) as unknown[];
        return isSame(applyPatch(structuredClone(before), stored), after);
      }),
      { numRuns: 500 },
    );
  });

  const messages = Array.from({ length: 50 }, (_, id) => ({ id, text: `message ${id}` }));
  it.each([
    ['nothing', messages, 0],
    ['one that came', [...messages, { id: 50, text: 'new' }], 1],
    ['a window that moved on', [...messages.slice(3), { id: 50, text: 'new' }], 4],
    ['one that came in the middle', messages.toSpliced(20, 0, { id: 50, text: 'new' }), 1],
    ['one that changed', messages.toSpliced(20, 1, { id: 20, text: 'other' }), 1],
  ])('is as small as what happened: %s', (_, after, count) => {
    expect(diff({ messages }, { messages: after }, { operations: 1_000, bytes: 1_000 })).toHaveLength(count);
  });

  it.each([
    ['there would be too many operations', { operations: 10, bytes: Infinity }],
    ['they would be too long', { operations: 1_000, bytes: 200 }],
  ])('gives up when %s', (_, most) => {
    const numbers = messages.map(({ id }) => id);
    expect(diff(messages, numbers, most)).toBeNull();
  });

  it('never gives up what is no longer than that', () => {
    fc.assert(
      fc.property(jsonValue, jsonValue, (before, after) => {
        const all = diff(before, after, { operations: 100_000, bytes: Infinity });
        const bytes = JSON.stringify(all).length;
        expect(diff(before, after, { operations: 100_000, bytes })).toEqual(all);
      }),
    );
  });
});

/*
 * JSON Patch (RFC 6902) on plain JSON values. Own code, because it is the heart of this room and the libraries either
 * let a bad operation pass, or have not been kept for years.
 */

import { TooCostly, type Budget } from './bounds.ts';

export type Operation =
  | { readonly op: 'add' | 'replace' | 'test'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string }
  | { readonly op: 'move' | 'copy'; readonly path: string; readonly from: string };

/** An operation that cannot be applied: which one, counted from 0, and why. */
export class PatchError extends Error {
  readonly index: number;
  constructor(index: number, why: string) {
    super(why);
    this.index = index;
  }
}

type Container = Record<string, unknown> | unknown[];

/**
 * Applies operations in their order. The document is changed in place, and is of no use any more when one of them
 * fails. @returns the new document: another one when its root was replaced.
 * @param budget for operations of others; what is stored has passed one.
 * @throws PatchError, and TooCostly when the budget does not allow it.
 */
export function applyPatch(document: unknown, operations: readonly unknown[], budget?: Budget): unknown {
  let root = document;
  let index = 0;
  try {
    for (; index < operations.length; index++) root = applyOne(root, operations[index], budget);
  } catch (error) {
    if (error instanceof TooCostly) throw error;
    throw new PatchError(index, (error as Error).message);
  }
  return root;
}

function applyOne(root: unknown, operation: unknown, budget?: Budget): unknown {
  if (typeof operation !== 'object' || operation === null) throw new Error('is not an object');
  const { op, path, from, value } = operation as { op?: unknown; path?: unknown; from?: unknown; value?: unknown };
  const keys = parsePointer(path, 'path');
  switch (op) {
    case 'add':
      budget?.place(value, keys.length);
      return add(root, keys, needValue(operation, value), budget);
    case 'remove':
      return remove(root, keys, budget);
    case 'replace': {
      needValue(operation, value);
      budget?.place(value, keys.length);
      if (keys.length === 0) return value;
      const { container, key } = parentOf(root, keys);
      needKey(container, keys);
      assign(container, key, value);
      return root;
    }
    case 'test':
      if (!isSame(valueAt(root, keys), needValue(operation, value))) throw new Error(`${show(keys)} has another value`);
      return root;
    case 'copy': {
      const copied = valueAt(root, parsePointer(from, 'from'));
      budget?.copy(copied, keys.length);
      const json = JSON.stringify(copied);
      budget?.double(Buffer.byteLength(json));
      return add(root, keys, JSON.parse(json), budget);
    }
    case 'move': {
      const source = parsePointer(from, 'from');
      if (source.length < keys.length && source.every((key, index) => key === keys[index]))
        throw new Error('cannot move a value into itself');
      const moved = valueAt(root, source);
      if (keys.length > source.length) budget?.copy(moved, keys.length);
      return add(remove(root, source, budget), keys, moved, budget);
    }
    default:
      throw new Error(`"op" must be add, remove, replace, move, copy or test, got ${JSON.stringify(op) ?? 'nothing'}`);
  }
}

function needValue(operation: object, value: unknown): unknown {
  if (!Object.hasOwn(operation, 'value')) throw new Error('has no "value"');
  return value;
}

/** `/a/b~1c` → `['a', 'b/c']` (RFC 6901). */
function parsePointer(pointer: unknown, name: string): string[] {
  if (typeof pointer !== 'string') throw new Error(`has no "${name}"`);
  if (pointer === '') return [];
  if (!pointer.startsWith('/')) throw new Error(`"${name}" must be empty or begin with /, got "${pointer}"`);
  const keys = pointer.slice(1).split('/');
  return pointer.includes('~') ? keys.map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~')) : keys;
}

const show = (keys: readonly string[]): string => (keys.length === 0 ? 'the root' : `/${keys.join('/')}`);

/** @param depth so many of the keys are followed. */
function valueAt(root: unknown, keys: readonly string[], depth = keys.length): unknown {
  let value = root;
  for (let above = 0; above < depth; above++) {
    const container = asContainer(value, keys, above);
    value = container[needKey(container, keys, above) as never];
  }
  return value;
}

function parentOf(root: unknown, keys: readonly string[]): { container: Container; key: string } {
  const above = keys.length - 1;
  return { container: asContainer(valueAt(root, keys, above), keys, above), key: keys[above] ?? '' };
}

function asContainer(value: unknown, keys: readonly string[], depth: number): Container {
  if (typeof value === 'object' && value !== null) return value as Container;
  throw new Error(`${show(keys.slice(0, depth))} is neither an object nor a list`);
}

/** The key of something that exists. @param place which of the keys it is. */
function needKey(container: Container, keys: readonly string[], place = keys.length - 1): string | number {
  if (Array.isArray(container)) return indexOf(keys, place, container.length - 1);
  const key = keys[place] ?? '';
  if (Object.hasOwn(container, key)) return key;
  throw new Error(`${show(keys.slice(0, place + 1))} does not exist`);
}

function indexOf(keys: readonly string[], place: number, largest: number): number {
  const key = keys[place] ?? '';
  const index = /^(0|[1-9]\d{0,9})$/.test(key) ? Number(key) : NaN;
  if (index <= largest) return index;
  throw new Error(`${show(keys.slice(0, place + 1))} does not exist: the list ends at ${largest}`);
}

function add(root: unknown, keys: readonly string[], value: unknown, budget?: Budget): unknown {
  if (keys.length === 0) return value;
  const { container, key } = parentOf(root, keys);
  if (!Array.isArray(container)) assign(container, key, value);
  else if (key === '-') container.push(value);
  else {
    const index = indexOf(keys, keys.length - 1, container.length);
    budget?.shift(container.length - index);
    container.splice(index, 0, value);
  }
  return root;
}

function remove(root: unknown, keys: readonly string[], budget?: Budget): unknown {
  if (keys.length === 0) return null;
  const { container, key } = parentOf(root, keys);
  const existing = needKey(container, keys);
  if (Array.isArray(container)) {
    budget?.shift(container.length - (existing as number));
    // Who keeps the last so many of something takes from the front, where the runtime need not move the others.
    if (existing === 0) container.shift();
    else container.splice(existing as number, 1);
  } else delete container[key];
  return root;
}

/** `__proto__` is a key like any other in JSON; plain assignment would not make it one. */
function assign(container: Container, key: string, value: unknown): void {
  if (key === '__proto__')
    Object.defineProperty(container, key, { value, enumerable: true, configurable: true, writable: true });
  else container[key as never] = value as never;
}

/** Deep equality of JSON values. */
export function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((value, index) => isSame(value, b[index]));
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && isSame(a[key as never], b[key as never]))
  );
}

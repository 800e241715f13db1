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
  for (const [index, operation] of operations.entries()) {
    try {
      root = applyOne(root, operation, budget);
    } catch (error) {
      if (error instanceof TooCostly) throw error;
      throw new PatchError(index, (error as Error).message);
    }
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
      needKey(container, key, keys);
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
  return pointer
    .slice(1)
    .split('/')
    .map((key) => (key.includes('~') ? key.replaceAll('~1', '/').replaceAll('~0', '~') : key));
}

const show = (keys: readonly string[]): string => (keys.length === 0 ? 'the root' : `/${keys.join('/')}`);

function valueAt(root: unknown, keys: readonly string[]): unknown {
  let value = root;
  for (const [depth, key] of keys.entries()) {
    const container = asContainer(value, keys, depth);
    value = container[needKey(container, key, keys) as never];
  }
  return value;
}

function parentOf(root: unknown, keys: readonly string[]): { container: Container; key: string } {
  const above = keys.slice(0, -1);
  return { container: asContainer(valueAt(root, above), keys, above.length), key: keys.at(-1) ?? '' };
}

function asContainer(value: unknown, keys: readonly string[], depth: number): Container {
  if (typeof value === 'object' && value !== null) return value as Container;
  throw new Error(`${show(keys.slice(0, depth))} is neither an object nor a list`);
}

/** The key of something that exists. */
function needKey(container: Container, key: string, keys: readonly string[]): string | number {
  if (Array.isArray(container)) return indexOf(key, container.length - 1, keys);
  if (Object.hasOwn(container, key)) return key;
  throw new Error(`${show(keys)} does not exist`);
}

function indexOf(key: string, largest: number, keys: readonly string[]): number {
  const index = /^(0|[1-9]\d{0,9})$/.test(key) ? Number(key) : NaN;
  if (index <= largest) return index;
  throw new Error(`${show(keys)} does not exist: the list ends at ${largest}`);
}

function add(root: unknown, keys: readonly string[], value: unknown, budget?: Budget): unknown {
  if (keys.length === 0) return value;
  const { container, key } = parentOf(root, keys);
  if (!Array.isArray(container)) assign(container, key, value);
  else if (key === '-') container.push(value);
  else {
    const index = indexOf(key, container.length, keys);
    budget?.shift(container.length - index);
    container.splice(index, 0, value);
  }
  return root;
}

function remove(root: unknown, keys: readonly string[], budget?: Budget): unknown {
  if (keys.length === 0) return null;
  const { container, key } = parentOf(root, keys);
  const existing = needKey(container, key, keys);
  if (Array.isArray(container)) {
    budget?.shift(container.length - (existing as number));
    container.splice(existing as number, 1);
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

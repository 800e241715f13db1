import { isSame, type Operation } from './patch.ts';

/** What is more is of no use: then there is no need to go on looking for it. */
export interface Limits {
  readonly operations: number;
  /** Of their JSON. What is a little longer may pass. */
  readonly bytes: number;
}

/**
 * The operations that turn one JSON value into another; null: they would be beyond the limits. In lists, elements that
 * went or came are told from those that changed, so that a window that moves on costs what went and what came.
 * Values of `after` are used, not copied.
 */
export function diff(before: unknown, after: unknown, most: Limits): Operation[] | null {
  const into: Step = { operations: [], most, bytesLeft: most.bytes, looks: MOST_LOOKS };
  try {
    compare(before, after, '', into);
    return into.operations;
  } catch (error) {
    if (error === TOO_MUCH) return null;
    throw error;
  }
}

interface Step {
  readonly operations: Operation[];
  readonly most: Limits;
  bytesLeft: number;
  /** Comparisons left for finding what a list and its successor have in common. */
  looks: number;
}

const TOO_MUCH = new Error('too many operations');

/** `{"op":"add","path":""}` */
const EMPTY_OPERATION_BYTES = 22;

function push(step: Step, operation: Operation): void {
  const value = 'value' in operation ? operation.value : '';
  step.bytesLeft -= EMPTY_OPERATION_BYTES + operation.path.length + leastBytes(value, step.bytesLeft);
  if (step.operations.push(operation) > step.most.operations || step.bytesLeft < 0) throw TOO_MUCH;
}

/** What a value takes as JSON at the very least; no more is looked at than shows that it is beyond `most`. */
function leastBytes(value: unknown, most: number): number {
  if (typeof value === 'string') return value.length + 2;
  if (typeof value !== 'object' || value === null) return 1;
  let bytes = 2;
  for (const key in value) {
    bytes += (Array.isArray(value) ? 0 : key.length + 3) + leastBytes(value[key as never], most - bytes);
    if (bytes > most) break;
  }
  return bytes;
}

function compare(before: unknown, after: unknown, path: string, into: Step): void {
  if (before === after) return;
  if (Array.isArray(before) && Array.isArray(after)) compareLists(before, after, path, into);
  else if (isObject(before) && isObject(after)) compareObjects(before, after, path, into);
  else push(into, { op: 'replace', path, value: after });
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const at = (path: string, key: string | number): string =>
  `${path}/${typeof key === 'number' ? key : key.replaceAll('~', '~0').replaceAll('/', '~1')}`;

function compareObjects(
  before: Record<string, unknown>,
  after: Record<string, unknown>,
  path: string,
  into: Step,
): void {
  for (const key of Object.keys(before)) {
    if (Object.hasOwn(after, key)) compare(before[key], after[key], at(path, key), into);
    else push(into, { op: 'remove', path: at(path, key) });
  }
  for (const key of Object.keys(after))
    if (!Object.hasOwn(before, key)) push(into, { op: 'add', path: at(path, key), value: after[key] });
}

/** How far apart a list and its successor are looked through for where they go on alike. */
const LOOK_AHEAD = 64;
/** Of a list in which everything is new, nothing is found however long one looks. */
const MOST_LOOKS = 1_000;

function compareLists(before: readonly unknown[], after: readonly unknown[], path: string, into: Step): void {
  let old = 0;
  // At every step the list is what is after up to here, and what was before from `old` on.
  let here = 0;
  while (old < before.length && here < after.length) {
    if (isSame(before[old], after[here])) {
      old++;
      here++;
      continue;
    }
    const { gone, come } = nextAlike(before, after, old, here, into);
    for (let count = 0; count < gone; count++, old++) push(into, { op: 'remove', path: at(path, here) });
    for (let count = 0; count < come; count++, here++)
      push(into, { op: 'add', path: at(path, here), value: after[here] });
    if (gone === 0 && come === 0) compare(before[old++], after[here], at(path, here++), into);
  }
  for (; old < before.length; old++) push(into, { op: 'remove', path: at(path, here) });
  for (; here < after.length; here++) push(into, { op: 'add', path: at(path, here), value: after[here] });
}

/** The fewest elements that went, or came, until both go on alike; none of either: one took the place of another. */
function nextAlike(before: readonly unknown[], after: readonly unknown[], old: number, here: number, step: Step) {
  for (let distance = 1; distance <= LOOK_AHEAD && step.looks > 0; distance++, step.looks--) {
    if (old + distance < before.length && isSame(before[old + distance], after[here]))
      return { gone: distance, come: 0 };
    if (here + distance < after.length && isSame(before[old], after[here + distance]))
      return { gone: 0, come: distance };
  }
  return { gone: 0, come: 0 };
}

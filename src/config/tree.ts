/*
 * A configuration file as a tree that has not forgotten where its values stand. Defaults are merged and
 * problems are named on it, so that a value that came from `defaults` is still located there.
 */

interface Place {
  /** Offset of the value in the file, and of its key (of the value itself in a list). */
  readonly at: number;
  readonly keyAt: number;
  /** Where it was written: `defaults.restart.policy`, also when it is merged elsewhere. */
  readonly path: string;
}

export interface ScalarNode extends Place {
  readonly is: 'scalar';
  readonly value: string | number | boolean | null;
  /** For a value that came through `${…}`: as written, and with `***` in the place of what came in. */
  readonly reference: { readonly written: string; readonly masked: string } | null;
}
export interface ListNode extends Place {
  readonly is: 'list';
  readonly items: readonly Node[];
}
export interface MapNode extends Place {
  readonly is: 'map';
  readonly entries: ReadonlyMap<string, Node>;
}
export type Node = ScalarNode | ListNode | MapNode;

/** Something wrong at one place of the file. */
export interface Problem {
  readonly at: number;
  readonly path: string;
  readonly sentence: string;
}

export const emptyMap: MapNode = { is: 'map', at: 0, keyAt: 0, path: '', entries: new Map() };

/** `components.gmail.depends_on[0]`; keys that are no plain words are quoted. */
export function joinPath(path: string, key: string | number): string {
  if (typeof key === 'number') return `${path}[${key}]`;
  const word = /^[\w$-]+$/.test(key) ? key : JSON.stringify(key);
  return path === '' ? word : `${path}.${word}`;
}

/** The node under a key; undefined when there is none or the node is no map. */
export const child = (node: Node | undefined, key: string): Node | undefined =>
  node?.is === 'map' ? node.entries.get(key) : undefined;

/** The entries of a map; none of anything else. */
export const entriesOf = (node: Node | undefined): [string, Node][] => (node?.is === 'map' ? [...node.entries] : []);

/** The texts of a list with their nodes. */
export const textsOf = (node: Node | undefined): { text: string; node: Node }[] =>
  (node?.is === 'list' ? node.items : []).flatMap((item) =>
    item.is === 'scalar' && typeof item.value === 'string' ? [{ text: item.value, node: item }] : [],
  );

/** Follows `path` as far as it leads. `rest` is what was not found. */
export function follow(node: Node, path: readonly PropertyKey[]): { node: Node; rest: readonly PropertyKey[] } {
  const [key, ...rest] = path;
  if (key === undefined) return { node, rest: [] };
  const next = node.is === 'list' ? node.items[Number(key)] : child(node, String(key));
  return next ? follow(next, rest) : { node, rest: path };
}

/** No key of a file can reach it. A number of no value: zod compares all that is called `length` with its limits. */
const bare: object = Object.freeze(Object.assign(Object.create(null) as object, { [Symbol.toPrimitive]: () => NaN }));

/** As plain data. */
export function plain(node: Node): unknown {
  if (node.is === 'scalar') return node.value;
  if (node.is === 'list') return node.items.map(plain);
  const object = Object.create(bare) as Record<string, unknown>;
  for (const [key, value] of node.entries) object[key] = plain(value);
  return object;
}

/** Maps are joined key by key; of anything else, lists too, `over` wins. */
export function merge(under: Node, over: Node): Node {
  if (under.is !== 'map' || over.is !== 'map') return over;
  const entries = new Map(under.entries);
  for (const [key, value] of over.entries) {
    const below = entries.get(key);
    entries.set(key, below ? merge(below, value) : value);
  }
  return { ...over, entries };
}

/** `defaults` under every component. */
export function withDefaults(root: Node): Node {
  const [defaults, components] = [child(root, 'defaults'), child(root, 'components')];
  if (root.is !== 'map' || defaults?.is !== 'map' || components?.is !== 'map') return root;
  const merged = new Map([...components.entries].map(([name, node]) => [name, merge(defaults, node)]));
  return { ...root, entries: new Map(root.entries).set('components', { ...components, entries: merged }) };
}

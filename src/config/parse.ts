import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document } from 'yaml';
import { replaceReferences, type Surroundings } from './references.ts';
import { firstLine, syntaxSentence, worthTelling } from './syntax.ts';
import { emptyMap, joinPath, type MapNode, type Node, type Problem, type ScalarNode } from './tree.ts';

/** A file as a tree, with what was wrong so far. `sound` false: its syntax is broken, the tree is a guess. */
export interface Parsed {
  readonly root: Node;
  readonly problems: readonly Problem[];
  readonly sound: boolean;
  /** What came in through `${…}`. */
  readonly secrets: readonly string[];
  readonly position: (offset: number) => { line: number; col: number };
}

/** Aliases could grow a small file without end. */
const MOST_NODES = 50_000;

class TooLarge extends Error {}

/** Turns the library's nodes into ours: aliases followed, `${…}` replaced, keys made text. */
class Builder {
  readonly problems: Problem[] = [];
  readonly secrets: string[] = [];
  readonly #document: Document;
  readonly #surroundings: Surroundings;
  readonly #open = new Set<unknown>();
  readonly #line: (offset: number) => number;
  #nodes = 0;

  constructor(document: Document, surroundings: Surroundings, line: (offset: number) => number) {
    this.#document = document;
    this.#surroundings = surroundings;
    this.#line = line;
  }

  build(node: unknown, path: string, keyAt?: number): Node {
    if (++this.#nodes > MOST_NODES) throw new TooLarge();
    const at = rangeOf(node) ?? keyAt ?? 0;
    const place = { at, keyAt: keyAt ?? at, path };
    if (isAlias(node)) return this.#alias(node.source, node.resolve(this.#document), place);
    if (isScalar(node)) return this.#scalar(node.value, place);
    if (isSeq(node))
      return { ...place, is: 'list', items: node.items.map((item, i) => this.build(item, joinPath(path, i))) };
    if (isMap(node)) return this.#map(node.items, place);
    return { ...place, is: 'scalar', value: null, reference: null };
  }

  #alias(name: string, target: unknown, place: Omit<ScalarNode, 'is' | 'value' | 'reference'>): Node {
    const nothing: Node = { ...place, is: 'scalar', value: null, reference: null };
    if (target === undefined || this.#open.has(target)) {
      const why = target === undefined ? 'has no anchor before it' : 'contains itself';
      this.problems.push({ ...place, sentence: `the alias *${name} ${why}` });
      return nothing;
    }
    this.#open.add(target);
    const node = this.build(target, place.path, place.keyAt);
    this.#open.delete(target);
    return { ...node, at: place.at };
  }

  #scalar(value: unknown, place: Omit<ScalarNode, 'is' | 'value' | 'reference'>): ScalarNode {
    if (typeof value !== 'string')
      return { ...place, is: 'scalar', value: value as number | boolean | null, reference: null };
    const replaced = replaceReferences(value, this.#surroundings);
    this.secrets.push(...replaced.secrets);
    for (const sentence of replaced.problems) this.problems.push({ ...place, sentence });
    const reference = replaced.masked === null ? null : { written: value, masked: replaced.masked };
    return { ...place, is: 'scalar', value: replaced.value, reference };
  }

  #map(pairs: readonly { key: unknown; value: unknown }[], place: Omit<MapNode, 'is' | 'entries'>): MapNode {
    const entries = new Map<string, Node>();
    for (const pair of pairs) {
      const at = rangeOf(pair.key) ?? place.at;
      const key = isScalar(pair.key) ? String(pair.key.value) : undefined;
      const path = key === undefined ? place.path : joinPath(place.path, key);
      const problem = (sentence: string) => this.problems.push({ at, path, sentence });
      const before = key === undefined ? undefined : entries.get(key);
      if (key === undefined) problem('expected a name before ":"');
      else if (key === '__proto__') problem('this name is not allowed');
      else if (before) problem(`the key "${key}" is given twice; the first is in line ${this.#line(before.keyAt)}`);
      else entries.set(key, this.build(pair.value, path, at));
    }
    return { ...place, is: 'map', entries };
  }
}

function rangeOf(node: unknown): number | undefined {
  return isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? node.range?.[0] : undefined;
}

/** Reads YAML or JSON. Never throws: whatever is wrong is a problem with its place. */
export function parseTree(text: string, surroundings: Surroundings): Parsed {
  const lines = new LineCounter();
  const position = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return line === 0 ? { line: 1, col: Math.max(1, col) } : { line, col };
  };
  const broken = (at: number, sentence: string): Parsed => ({
    root: emptyMap,
    problems: [{ at, path: '', sentence }],
    sound: false,
    secrets: [],
    position,
  });
  try {
    const document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      uniqueKeys: false,
    });
    const lineOf = (offset: number) => position(offset).line;
    const syntax = worthTelling([...document.errors, ...document.warnings], lineOf).map((error) => ({
      at: error.pos[0],
      path: '',
      sentence: syntaxSentence(error, text),
    }));
    const builder = new Builder(document, surroundings, lineOf);
    const root = document.contents === null ? emptyMap : builder.build(document.contents, '');
    const sound = syntax.length === 0;
    return { root, problems: sound ? builder.problems : syntax, sound, secrets: builder.secrets, position };
  } catch (error) {
    if (error instanceof TooLarge) return broken(0, `expected at most ${MOST_NODES} values, aliases included`);
    if (error instanceof RangeError) return broken(0, 'the file is nested too deeply');
    return broken(0, `cannot be read: ${firstLine(String(error))}`);
  }
}

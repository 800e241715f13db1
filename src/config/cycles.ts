import type { Node, Problem } from './tree.ts';

/** A dependency by name, and where it is written. */
export interface Edge {
  readonly text: string;
  readonly node: Node;
}
export type Edges = ReadonlyMap<string, readonly Edge[]>;

/** The shortest way from a name back to itself, as the dependencies that lead there. */
function cycleFrom(start: string, edges: Edges): { names: string[]; first: Node } | undefined {
  const queue = (edges.get(start) ?? []).map(({ text, node }) => ({ names: [start, text], first: node }));
  const seen = new Set<string>();
  for (const way of queue) {
    const last = way.names.at(-1) ?? start;
    if (last === start) return way;
    if (seen.has(last)) continue;
    seen.add(last);
    for (const { text } of edges.get(last) ?? []) queue.push({ names: [...way.names, text], first: way.first });
  }
  return undefined;
}

/** Whatever depends on itself by way of others; what does so directly is not told. */
export function cyclesIn(all: Edges): Problem[] {
  const edges = new Map([...all].map(([name, own]) => [name, own.filter(({ text }) => text !== name)]));
  const told = new Set<string>();
  return [...edges.keys()].flatMap((name) => {
    const cycle = told.has(name) ? undefined : cycleFrom(name, edges);
    if (!cycle) return [];
    for (const member of cycle.names) told.add(member);
    const { at, path } = cycle.first;
    return [{ at, path, sentence: `dependency cycle: ${cycle.names.join(' → ')}` }];
  });
}

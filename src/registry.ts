/** Entries by their `kind`, in the order given: the plugin system. A kind given twice is a programming error. */
export interface Registry<E extends { readonly kind: string }> {
  readonly kinds: readonly E['kind'][];
  get(kind: string): E | undefined;
  [Symbol.iterator](): Iterator<E>;
}

export function registry<E extends { readonly kind: string }>(...entries: readonly E[]): Registry<E> {
  const byKind = new Map<string, E>();
  for (const entry of entries) {
    if (byKind.has(entry.kind)) throw new Error(`"${entry.kind}" is registered twice`);
    byKind.set(entry.kind, entry);
  }
  return {
    kinds: [...byKind.keys()],
    get: (kind) => byKind.get(kind),
    [Symbol.iterator]: () => byKind.values(),
  };
}

import type { Database } from '../storage/open.ts';
import { joined } from './bytes.ts';
import type { Answer, RequestOf, Sent } from './protocol.ts';
import { Refusal, toRefused } from './refusal.ts';
import type { StateDatabase } from './state-database.ts';

export type Write = RequestOf<'put'> | RequestOf<'patch'> | RequestOf<'journal'>;
const writes: ReadonlySet<string> = new Set<Write['job']>(['put', 'patch', 'journal']);
export const isWrite = (request: Sent): request is Sent<Write> => writes.has(request.job);
export const inOnePiece = (write: Sent<Write>): Write => ({ ...write, body: joined(write.body) });

/**
 * Applies writes in their order in one transaction; answers are true once this returns. One that is refused is so
 * before it has written anything, and leaves the others alone. When the transaction as a whole fails (a full disk), each
 * is tried alone: what fits is kept.
 * @param onCommitted hears of each transaction that is on disk, before it is answered. Must not throw.
 */
export function createGroupCommit(db: Database, states: StateDatabase, onCommitted: () => void = () => {}) {
  let commits = 0;

  function applyOne(write: Write): unknown {
    switch (write.job) {
      case 'put':
        return states.put(write);
      case 'patch':
        return states.patch(write);
      case 'journal':
        return states.journal(write);
    }
  }

  /** A savepoint for each would keep a copy of each page that it changes, at a fifth of what a small write costs. */
  function tryOne(write: Write): Answer {
    const before = states.begun();
    try {
      return { id: write.id, value: applyOne(write) };
    } catch (error) {
      if (states.begun() > before || !(error instanceof Refusal)) throw error;
      return { id: write.id, refused: error.refused };
    }
  }
  const applyAll = db.transaction((writes: readonly Write[]) => writes.map(tryOne));

  function commitGroup(writes: readonly Write[]): Answer[] {
    try {
      const answers = applyAll.immediate(writes);
      commits++;
      onCommitted();
      return answers;
    } catch (error) {
      states.forget();
      if (writes.length > 1) return writes.flatMap((write) => commitGroup([write]));
      return writes.map(({ id }) => ({ id, refused: toRefused(error) }));
    }
  }

  return { commitGroup, commits: () => commits };
}

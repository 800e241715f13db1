import type { Database } from '../storage/open.ts';
import type { Answer, Request, RequestOf } from './protocol.ts';
import { Refusal, toRefused } from './refusal.ts';
import type { StateDatabase } from './state-database.ts';

export type Write = RequestOf<'put'> | RequestOf<'patch'> | RequestOf<'journal'>;
const writes: ReadonlySet<string> = new Set<Write['job']>(['put', 'patch', 'journal']);
export const isWrite = (request: Request): request is Write => writes.has(request.job);

/**
 * Applies writes in their order in one transaction, each in a savepoint of its own, so that a bad one leaves the
 * others alone; answers are true once this returns. When the transaction as a whole fails (a full disk), each is
 * tried alone: what fits is kept.
 * @param onCommitted hears of each transaction that is on disk, before it is answered. Must not throw.
 */
export function createGroupCommit(db: Database, states: StateDatabase, onCommitted: () => void = () => {}) {
  let commits = 0;
  // Within a transaction, better-sqlite3 makes a savepoint of the inner one.
  const applyOne = db.transaction((write: Write) => {
    switch (write.job) {
      case 'put':
        return states.put(write);
      case 'patch':
        return states.patch(write);
      case 'journal':
        return states.journal(write);
    }
  });
  const applyAll = db.transaction((writes: readonly Write[]) =>
    writes.map((write): Answer => {
      try {
        return { id: write.id, value: applyOne(write) };
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        // What it had done is undone, in the database.
        states.journalled.forget();
        return { id: write.id, refused: error.refused };
      }
    }),
  );

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

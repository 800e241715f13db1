import { dirname } from 'node:path';
import Sqlite from 'better-sqlite3';
import { failure, sentenceOf, systemCode } from '../errors.ts';

export interface Lock {
  /** Gives the lock up. Idempotent. */
  release(): void;
}

/** A collected handle would be closed and the lock lost with it: whoever holds one is remembered here. */
const held = new Set<Sqlite.Database>();

/**
 * Makes this process the only one on a state folder, for as long as it lives: the kernel frees the lock with the
 * process, however it ends, and its children do not inherit it. Nothing else in this process may open the file.
 * @throws ALREADY_RUNNING (pid unknown here) when another process holds it; STATE_DIR_UNUSABLE.
 */
export function acquireLock(file: string): Lock {
  const folder = dirname(file);
  let db: Sqlite.Database | undefined;
  try {
    db = new Sqlite(file, { timeout: 0 });
    db.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    db?.close();
    if (systemCode(error)?.startsWith('SQLITE_BUSY')) throw failure('ALREADY_RUNNING', { folder, pid: null });
    throw failure('STATE_DIR_UNUSABLE', { folder, why: sentenceOf(error) }, { cause: error });
  }
  const handle = db;
  held.add(handle);
  return {
    release() {
      held.delete(handle);
      handle.close();
    },
  };
}

import { existsSync, renameSync } from 'node:fs';
import { basename } from 'node:path';
import Sqlite from 'better-sqlite3';
import type { Clock } from '../clock.ts';
import { failure, sentenceOf, systemCode } from '../errors.ts';

/** An open SQLite file. Never read such a file by other means in the same process: closing it would drop our locks. */
export type Database = Sqlite.Database;

export interface OpenOptions {
  /** NORMAL survives the death of the process, FULL a power cut too. */
  readonly synchronous: 'NORMAL' | 'FULL';
  /** SQL of each schema version, oldest first; a number in the file says how many it has seen. Never edited. */
  readonly migrations: readonly string[];
  /** Pages of WAL after which a commit moves them into the file; 0: somebody else does it. Default 0. */
  readonly autoCheckpointPages?: number;
  /** What the WAL is cut back to when it begins anew; 4 MB unless given. */
  readonly largestIdleWalBytes?: number;
}

export interface SetAside {
  readonly movedTo: string;
  readonly why: string;
}

const LARGEST_IDLE_WAL_BYTES = 4 * 2 ** 20;

/**
 * Opens (or begins) a database with all that we rely on: WAL, incremental vacuum, no waiting for locks.
 * @throws SQLite's own errors, and STORE_FAILED for a file that a newer version has written.
 */
export function openDatabase(file: string, options: OpenOptions): Database {
  const db = new Sqlite(file, { timeout: 0 });
  try {
    // Only before the first page is written can the kind of vacuum be chosen, and WAL writes that page.
    if (db.pragma('page_count', { simple: true }) === 0) db.pragma('auto_vacuum = INCREMENTAL');
    db.pragma('journal_mode = WAL');
    db.pragma(`synchronous = ${options.synchronous}`);
    db.pragma('foreign_keys = ON');
    db.pragma(`wal_autocheckpoint = ${options.autoCheckpointPages ?? 0}`);
    db.pragma(`journal_size_limit = ${options.largestIdleWalBytes ?? LARGEST_IDLE_WAL_BYTES}`);
    db.pragma('cache_size = -2000');
    migrate(db, file, options.migrations);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function migrate(db: Database, file: string, migrations: readonly string[]): void {
  const seen = Number(db.pragma('user_version', { simple: true }));
  if (seen > migrations.length) {
    const why = `a newer version has written it (schema ${seen}, this one knows ${migrations.length})`;
    throw failure('STORE_FAILED', { store: basename(file), why });
  }
  for (const [index, sql] of migrations.entries()) {
    if (index < seen) continue;
    db.transaction(() => {
      db.exec(sql);
      db.pragma(`user_version = ${index + 1}`);
    }).immediate();
  }
}

/** A second connection that only moves the WAL into the file: the owner of the file never waits for it. */
export function openForCheckpoints(file: string): Database {
  return new Sqlite(file, { timeout: 0, fileMustExist: true });
}

/** The file itself is damaged: waiting or retrying would not help. */
export const isCorruption = (error: unknown): boolean => {
  const code = systemCode(error) ?? '';
  return (
    code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB' || (code === 'SQLITE_ERROR' && lacksTable(error))
  );
};
const lacksTable = (error: unknown): boolean => /^no such (table|column)/.test(sentenceOf(error));

/**
 * Opens a database and hands it to `begin`, which reads what it needs to start. When the file turns out to be
 * damaged, it is moved aside with its WAL, never deleted, and a new one is begun.
 */
export function openOrSetAside<T>(
  file: string,
  options: OpenOptions & { readonly clock: Pick<Clock, 'now'> },
  begin: (db: Database) => T,
): { readonly value: T; readonly setAside: SetAside | null } {
  try {
    return { value: openAndBegin(file, options, begin), setAside: null };
  } catch (error) {
    if (!isCorruption(error)) throw error;
    const movedTo = moveAside(file, options.clock.now());
    return { value: openAndBegin(file, options, begin), setAside: { movedTo, why: sentenceOf(error) } };
  }
}

function openAndBegin<T>(file: string, options: OpenOptions, begin: (db: Database) => T): T {
  const db = openDatabase(file, options);
  try {
    return begin(db);
  } catch (error) {
    db.close();
    throw error;
  }
}

/**
 * What closing the file has left of a WAL goes along under the matching name, so that SQLite's own tools can still
 * open what was moved.
 */
function moveAside(file: string, now: number): string {
  const stamp = new Date(now).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  let target = `${file}.corrupt-${stamp}`;
  for (let copy = 2; existsSync(target); copy++) target = `${file}.corrupt-${stamp}-${copy}`;
  for (const suffix of ['', '-wal', '-shm']) {
    if (existsSync(file + suffix)) renameSync(file + suffix, target + suffix);
  }
  return target;
}

/**
 * What SQLite says of the structure of the file: `ok`, or its first complaint. Reads the whole file.
 * It does not see flipped bits within a row: only a checksum does.
 */
export function quickCheck(db: Database): string {
  try {
    return String(db.pragma('quick_check(1)', { simple: true }));
  } catch (error) {
    return sentenceOf(error);
  }
}

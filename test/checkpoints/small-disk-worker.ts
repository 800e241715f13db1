import Sqlite from 'better-sqlite3';

/** The real worker, with room for 50 pages: every later connection of this thread gets the same bound. */
const { prepare } = Sqlite.prototype;
Sqlite.prototype.prepare = function (this: Sqlite.Database, sql: string) {
  this.pragma('max_page_count = 50');
  return prepare.call(this, sql);
} as typeof prepare;
await import('../../src/checkpoints/worker.ts');

import Sqlite from 'better-sqlite3';

/** The real worker on a disk with room for 50 pages: each connection is bounded before it prepares anything. */
const prepare = Reflect.get(Sqlite.prototype, 'prepare') as (sql: string) => Sqlite.Statement;
Reflect.set(Sqlite.prototype, 'prepare', function (this: Sqlite.Database, sql: string) {
  this.pragma('max_page_count = 50');
  return prepare.call(this, sql);
});
await import('../../src/checkpoints/worker.ts');

/** Schema of state.db, oldest version first. A line once shipped is never edited: add the next one. */
export const stateMigrations: readonly string[] = [
  // The state comes last: rows are listed without reading it. What is damaged is named in a table of its own, because
  // marking the damaged row itself would rewrite it.
  `CREATE TABLE checkpoint (
     number INTEGER PRIMARY KEY,
     id TEXT NOT NULL UNIQUE,
     component TEXT NOT NULL,
     at INTEGER NOT NULL,
     kind TEXT NOT NULL,
     "trigger" TEXT NOT NULL,
     schema_version INTEGER NOT NULL,
     through INTEGER,
     size_bytes INTEGER NOT NULL,
     sha256 TEXT NOT NULL,
     state BLOB NOT NULL
   );
   CREATE INDEX checkpoint_of ON checkpoint (component);
   CREATE INDEX checkpoint_through ON checkpoint (component, through);
   CREATE TABLE quarantine (
     checkpoint TEXT PRIMARY KEY REFERENCES checkpoint (id) ON DELETE CASCADE,
     at INTEGER NOT NULL,
     why TEXT NOT NULL
   ) WITHOUT ROWID;
   CREATE TABLE journal (
     entry_id INTEGER PRIMARY KEY AUTOINCREMENT,
     component TEXT NOT NULL,
     at INTEGER NOT NULL,
     client_id TEXT,
     operation TEXT NOT NULL,
     data TEXT NOT NULL
   );
   CREATE INDEX journal_of ON journal (component);
   CREATE UNIQUE INDEX journal_once ON journal (component, client_id) WHERE client_id IS NOT NULL;`,
];

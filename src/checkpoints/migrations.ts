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
  // Incremental records: a place in their component's row, what they build on, how their bytes are to be read. A table
  // is made anew, because its state must stay last. What was stored before has no chain hash.
  `ALTER TABLE checkpoint RENAME TO checkpoint_1;
   CREATE TABLE checkpoint (
     number INTEGER PRIMARY KEY AUTOINCREMENT,
     id TEXT NOT NULL UNIQUE,
     component TEXT NOT NULL,
     sequence INTEGER NOT NULL,
     at INTEGER NOT NULL,
     kind TEXT NOT NULL,
     "trigger" TEXT NOT NULL,
     schema_version INTEGER NOT NULL,
     through INTEGER,
     parent TEXT,
     root INTEGER NOT NULL,
     size_bytes INTEGER NOT NULL,
     stored_bytes INTEGER NOT NULL,
     encoding TEXT NOT NULL,
     sha256 TEXT NOT NULL,
     chain TEXT NOT NULL,
     request TEXT,
     state BLOB NOT NULL
   );
   INSERT INTO checkpoint SELECT number, id, component, row_number() OVER of_component, at, kind, "trigger",
     schema_version, through, lag(id) OVER of_component, number, size_bytes, size_bytes, 'json', sha256, '', NULL, state
     FROM checkpoint_1 WINDOW of_component AS (PARTITION BY component ORDER BY number) ORDER BY number;
   CREATE TABLE quarantine_2 (
     checkpoint TEXT PRIMARY KEY REFERENCES checkpoint (id) ON DELETE CASCADE,
     at INTEGER NOT NULL,
     why TEXT NOT NULL
   ) WITHOUT ROWID;
   INSERT INTO quarantine_2 SELECT checkpoint, at, why FROM quarantine;
   DROP TABLE quarantine;
   ALTER TABLE quarantine_2 RENAME TO quarantine;
   DROP TABLE checkpoint_1;
   CREATE UNIQUE INDEX checkpoint_of ON checkpoint (component, sequence);
   CREATE INDEX checkpoint_through ON checkpoint (component, through);`, // Large states in chunks; journal entries that know the one before them and have a checksum (null: older than that).
  `CREATE TABLE chunk (
     number INTEGER PRIMARY KEY,
     sha256 TEXT NOT NULL,
     at INTEGER NOT NULL,
     encoding TEXT NOT NULL,
     bytes BLOB NOT NULL
   );
   CREATE INDEX chunk_of ON chunk (sha256);
   CREATE TABLE piece (
     checkpoint TEXT NOT NULL REFERENCES checkpoint (id) ON DELETE CASCADE,
     place INTEGER NOT NULL,
     chunk INTEGER NOT NULL REFERENCES chunk (number),
     PRIMARY KEY (checkpoint, place)
   ) WITHOUT ROWID;
   CREATE INDEX piece_of ON piece (chunk);
   ALTER TABLE journal ADD COLUMN previous INTEGER;
   ALTER TABLE journal ADD COLUMN crc INTEGER;`,
  // How far the journal of a component is given up; until now that was what the oldest checkpoint did not need.
  `CREATE TABLE journal_kept (
     component TEXT PRIMARY KEY,
     after_entry INTEGER NOT NULL
   ) WITHOUT ROWID;
   INSERT INTO journal_kept SELECT component, min(through) FROM checkpoint
     WHERE id NOT IN (SELECT checkpoint FROM quarantine) GROUP BY component HAVING count(through) = count(*);`,
  // Of the shape that an entry was written under; null: its component did not say.
  `ALTER TABLE journal ADD COLUMN schema_version INTEGER;`,
  // Which keys records may be encrypted with ('': plain text); the newest numbers are those of when another took over.
  `CREATE TABLE encryption_key (
     key_id TEXT PRIMARY KEY,
     since INTEGER NOT NULL,
     last_checkpoint INTEGER,
     last_chunk INTEGER,
     last_entry INTEGER,
     crc INTEGER NOT NULL
   ) WITHOUT ROWID;`,
  // Which checkpoints were taken together. What they are made of is not referred to: a manifest whose checkpoints are
  // gone says so.
  `CREATE TABLE manifest (
     number INTEGER PRIMARY KEY AUTOINCREMENT,
     id TEXT NOT NULL UNIQUE,
     at INTEGER NOT NULL,
     "trigger" TEXT NOT NULL,
     sha256 TEXT NOT NULL
   );
   CREATE TABLE manifest_part (
     manifest INTEGER NOT NULL REFERENCES manifest (number) ON DELETE CASCADE,
     component TEXT NOT NULL,
     checkpoint TEXT NOT NULL,
     chain TEXT NOT NULL,
     through INTEGER,
     PRIMARY KEY (manifest, component)
   ) WITHOUT ROWID;
   CREATE INDEX manifest_part_of ON manifest_part (checkpoint);`,
  // Of those that say nothing of a journal it held an entry each, and each commit wrote its pages.
  `DROP INDEX checkpoint_through;
   CREATE INDEX checkpoint_through ON checkpoint (component, through) WHERE through IS NOT NULL;`,
  // Where a component continues from that was brought back, until it saves again. No checkpoint: from nothing.
  `CREATE TABLE resume_point (
     component TEXT PRIMARY KEY,
     checkpoint TEXT,
     journal INTEGER NOT NULL,
     at INTEGER NOT NULL,
     since INTEGER,
     after_entry INTEGER NOT NULL,
     crc INTEGER NOT NULL
   ) WITHOUT ROWID;`,
  // Each wrote a page for each component that saved; the daemon holds the order of checkpoints in memory.
  `DROP INDEX checkpoint_of;
   DROP INDEX checkpoint_through;`,
  // What is undone when nothing comes of a recovery: the file that was stored for it, and the resume point before it.
  `ALTER TABLE resume_point ADD COLUMN adopted TEXT;
   ALTER TABLE resume_point ADD COLUMN replaced TEXT;`,
];

/** Schema of events.db, oldest version first. A line once shipped is never edited: add the next one. */
export const eventMigrations: readonly string[] = [
  `CREATE TABLE event (
     seq INTEGER PRIMARY KEY,
     at INTEGER NOT NULL,
     type TEXT NOT NULL,
     component TEXT,
     body TEXT NOT NULL
   );
   CREATE INDEX event_by_type ON event (type, component);
   CREATE TABLE component (name TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
   CREATE TABLE sequence (only INTEGER PRIMARY KEY CHECK (only = 1), reserved INTEGER NOT NULL);
   INSERT INTO sequence VALUES (1, 1);`,
];

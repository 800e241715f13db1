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
  `ALTER TABLE event ADD COLUMN incident TEXT;
   CREATE INDEX event_by_incident ON event (incident, seq) WHERE incident IS NOT NULL;
   CREATE TABLE incident (
     id TEXT PRIMARY KEY,
     component TEXT NOT NULL,
     opened_at INTEGER NOT NULL,
     resolved_at INTEGER,
     record TEXT NOT NULL
   ) WITHOUT ROWID;
   CREATE INDEX incident_by_time ON incident (opened_at);`,
  `CREATE TABLE cursor (name TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;`,
];

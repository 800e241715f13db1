import { z } from 'zod';
import type { ComponentName, EpochMs } from '../model/index.ts';
import type { Database } from '../storage/open.ts';
import type { EntryBody } from './body.ts';
import type { JournalEntry } from './state-store.ts';

const entryRow = z.object({
  entry_id: z.number(),
  at: z.number().transform((at) => at as EpochMs),
  operation: z.string(),
  data: z.string().transform((data): unknown => JSON.parse(data)),
});

const TRIM_SLICE = 1_000;

/** The SQL of the journal. Begins no transaction: its caller does. */
export function createJournalTable(db: Database) {
  const insert = db.prepare(`INSERT INTO journal (component, at, client_id, operation, data) VALUES (?, ?, ?, ?, ?)`);
  const selectOnce = db
    .prepare<[string, string], number>('SELECT entry_id FROM journal WHERE component = ? AND client_id = ?')
    .pluck();
  const selectAfter = db.prepare<[string, number], unknown>(
    'SELECT entry_id, at, operation, data FROM journal WHERE component = ? AND entry_id > ? ORDER BY entry_id',
  );
  // Entries that were pruned live on in the `through` of a checkpoint.
  const selectLast = db
    .prepare<[string, string], number | null>(
      `SELECT max(entry) FROM (SELECT max(entry_id) AS entry FROM journal WHERE component = ?
         UNION ALL SELECT max(through) FROM checkpoint INDEXED BY checkpoint_through WHERE component = ?)`,
    )
    .pluck();
  const selectHighest = db.prepare<[], number>("SELECT seq FROM sqlite_sequence WHERE name = 'journal'").pluck();
  const insertHighest = db.prepare<[number]>("INSERT INTO sqlite_sequence (name, seq) VALUES ('journal', ?)");
  // Null comes first: as long as a checkpoint from before the first entry is kept, all of the journal is.
  const selectOldestThrough = db
    .prepare<[string], number | null>(
      `SELECT through FROM checkpoint INDEXED BY checkpoint_through
       WHERE component = ? AND id NOT IN (SELECT checkpoint FROM quarantine) ORDER BY through LIMIT 1`,
    )
    .pluck();
  const deleteEntries = db.prepare<[string, number]>(
    `DELETE FROM journal WHERE entry_id IN (
       SELECT entry_id FROM journal WHERE component = ? AND entry_id <= ? ORDER BY entry_id LIMIT ${TRIM_SLICE})`,
  );

  const oldestThrough = (component: ComponentName): number | null => selectOldestThrough.get(component) ?? null;

  return {
    /** In a database begun anew: entries get numbers above `floor`, so above all that the lost one has given out. */
    countFrom: (floor: number): void => void insertHighest.run(floor),

    /** @returns its number: that of the entry which the same client id was given before, if it was. */
    append(component: ComponentName, at: EpochMs, { id, operation, data }: EntryBody): number {
      const stored = id === undefined ? undefined : selectOnce.get(component, id);
      if (stored !== undefined) return stored;
      return Number(insert.run(component, at, id ?? null, operation, JSON.stringify(data)).lastInsertRowid);
    },

    after: (component: ComponentName, entry: number): JournalEntry[] =>
      selectAfter.all(component, entry).map((row) => entryRow.parse(row)),

    /** The newest entry that the component has ever journalled; null: it never has. */
    last: (component: ComponentName): number | null => selectLast.get(component, component) ?? null,

    /** The highest number ever given out, of any component. */
    highest: (): number => selectHighest.get() ?? 0,

    /** What the journal is needed from, by the checkpoints that are kept: entries up to here may be gone. */
    oldestThrough,

    trim: (component: ComponentName): number => deleteEntries.run(component, oldestThrough(component) ?? 0).changes,
  };
}

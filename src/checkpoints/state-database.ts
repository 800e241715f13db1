import { z } from 'zod';
import { datedId, sha256 } from '../digest.ts';
import type { CheckpointId, ComponentName, EpochMs } from '../model/index.ts';
import type { Database } from '../storage/open.ts';
import { parseEntries, parsePut } from './body.ts';
import type { Jobs } from './protocol.ts';
import { bodyInvalid } from './refusal.ts';
import type { CheckpointInfo, JournalEntry } from './state-store.ts';

const infoRow = z
  .object({
    checkpoint_id: z.string(),
    component: z.string(),
    at: z.number(),
    kind: z.literal('full'),
    trigger: z.enum(['interval', 'size', 'shutdown', 'manual', 'alert']),
    size_bytes: z.number(),
    sha256: z.string(),
    schema_version: z.number(),
    through: z.number().nullable(),
    valid: z.number().transform((valid) => valid === 1),
  })
  .transform((row) => row as typeof row & CheckpointInfo);
const entryRow = z.object({
  entry_id: z.number(),
  at: z.number().transform((at) => at as EpochMs),
  operation: z.string(),
  data: z.string().transform((data): unknown => JSON.parse(data)),
});

const INFO = `SELECT id AS checkpoint_id, component, checkpoint.at, kind, "trigger", size_bytes, sha256, schema_version,
    through, quarantine.checkpoint IS NULL AS valid
  FROM checkpoint LEFT JOIN quarantine ON quarantine.checkpoint = id`;
const EXPIRE_SLICE = 20;
const TRIM_SLICE = 1_000;
const VACUUM_SLICE = 50;

export type StateDatabase = ReturnType<typeof createStateDatabase>;

/** The SQL of checkpoints and journal. Knows no thread and begins no transaction: its caller does. */
export function createStateDatabase(db: Database) {
  const insertCheckpoint = db.prepare(
    `INSERT INTO checkpoint (id, component, at, kind, "trigger", schema_version, through, size_bytes, sha256, state)
     VALUES (?, ?, ?, 'full', ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
  );
  const insertEntry = db.prepare(
    `INSERT INTO journal (component, at, client_id, operation, data) VALUES (?, ?, ?, ?, ?)`,
  );
  const selectEntryOnce = db
    .prepare<[string, string], number>('SELECT entry_id FROM journal WHERE component = ? AND client_id = ?')
    .pluck();
  const selectEntries = db.prepare<[string, number], unknown>(
    'SELECT entry_id, at, operation, data FROM journal WHERE component = ? AND entry_id > ? ORDER BY entry_id',
  );
  // Entries that were pruned live on in the `through` of a checkpoint.
  const selectLastEntry = db
    .prepare<[string, string], number | null>(
      `SELECT max(entry) FROM (SELECT max(entry_id) AS entry FROM journal WHERE component = ?
         UNION ALL SELECT max(through) FROM checkpoint INDEXED BY checkpoint_through WHERE component = ?)`,
    )
    .pluck();
  // Null comes first: as long as a checkpoint from before the first entry is kept, all of the journal is.
  const selectHighest = db.prepare<[], number>("SELECT seq FROM sqlite_sequence WHERE name = 'journal'").pluck();
  const insertHighest = db.prepare<[number]>("INSERT INTO sqlite_sequence (name, seq) VALUES ('journal', ?)");
  const selectOldestThrough = db
    .prepare<[string], number | null>(
      `SELECT through FROM checkpoint INDEXED BY checkpoint_through
       WHERE component = ? AND id NOT IN (SELECT checkpoint FROM quarantine) ORDER BY through LIMIT 1`,
    )
    .pluck();
  const selectAll = db.prepare(`${INFO} ORDER BY number DESC`);
  const selectOf = db.prepare<[string, number]>(`${INFO} WHERE component = ? ORDER BY number DESC LIMIT ?`);
  const selectOne = db.prepare<[string]>(`${INFO} WHERE id = ?`);
  const selectState = db.prepare<[string], Buffer>('SELECT state FROM checkpoint WHERE id = ?').pluck();
  const insertQuarantine = db.prepare('INSERT OR IGNORE INTO quarantine (checkpoint, at, why) VALUES (?, ?, ?)');
  const deleteExpired = db.prepare(
    `DELETE FROM checkpoint WHERE number IN (
       SELECT number FROM checkpoint WHERE component = $component AND at < $before AND number NOT IN (
         SELECT number FROM checkpoint
         WHERE component = $component AND id NOT IN (SELECT checkpoint FROM quarantine)
         ORDER BY number DESC LIMIT $keep)
       ORDER BY number LIMIT ${EXPIRE_SLICE})`,
  );
  const deleteEntries = db.prepare<[string, number]>(
    `DELETE FROM journal WHERE entry_id IN (
       SELECT entry_id FROM journal WHERE component = ? AND entry_id <= ? ORDER BY entry_id LIMIT ${TRIM_SLICE})`,
  );

  const lastEntry = (component: ComponentName): number | null => selectLastEntry.get(component, component) ?? null;
  const oldestThrough = (component: ComponentName): number | null => selectOldestThrough.get(component) ?? null;

  function checkThrough(component: ComponentName, through: number | null): void {
    const last = lastEntry(component);
    if (through === null && last !== null) {
      const why = `is required, because "${component}" has journalled: the entry_id of the last entry in the state (the newest is ${last})`;
      throw bodyInvalid('through', why);
    }
    // Any number that was ever given out will do: the next entry of this component has a higher one.
    if (through !== null && through > (selectHighest.get() ?? 0)) {
      throw bodyInvalid(
        'through',
        `${through} is not a journal entry of "${component}": its newest is ${last ?? 'none'}`,
      );
    }
    const oldest = oldestThrough(component);
    if (through !== null && oldest !== null && through < oldest) {
      throw bodyInvalid('through', `the journal is kept from ${oldest} on: entries after ${through} may be gone`);
    }
  }

  return {
    /** In a database begun anew: entries get numbers above `floor`, so above all that the lost one has given out. */
    countFrom: (floor: number): void => void insertHighest.run(floor),

    put({ component, body, trigger, at }: Jobs['put']['ask']): Jobs['put']['answer'] {
      const { state, schema_version: version, through } = parsePut(body);
      checkThrough(component, through);
      const hash = sha256(state);
      for (;;) {
        const id = datedId('CP', at) as CheckpointId;
        const row = [id, component, at, trigger, version, through, state.byteLength, hash, state];
        if (insertCheckpoint.run(...row).changes === 1) return { checkpoint_id: id, size_bytes: state.byteLength };
      }
    },

    journal({ component, body, at }: Jobs['journal']['ask']): Jobs['journal']['answer'] {
      const { entries, isList } = parseEntries(body);
      const ids = entries.map(({ id, operation, data }) => {
        const stored = id === undefined ? undefined : selectEntryOnce.get(component, id);
        if (stored !== undefined) return stored;
        const row = [component, at, id ?? null, operation, JSON.stringify(data)];
        return Number(insertEntry.run(...row).lastInsertRowid);
      });
      return isList ? { entry_ids: ids } : { entry_id: ids[0] ?? 0 };
    },

    /** Newest first; all of them unless `most` says otherwise. */
    list: (component: ComponentName | null, most = -1): CheckpointInfo[] =>
      (component === null ? selectAll.all() : selectOf.all(component, most)).map((row) => infoRow.parse(row)),

    one(checkpoint: CheckpointId): CheckpointInfo | null {
      const row = selectOne.get(checkpoint);
      return row === undefined ? null : infoRow.parse(row);
    },

    stateOf: (checkpoint: CheckpointId): Buffer | undefined => selectState.get(checkpoint),

    entriesAfter: (component: ComponentName, entry: number): JournalEntry[] =>
      selectEntries.all(component, entry).map((row) => entryRow.parse(row)),

    /** The newest entry that the component has ever journalled; null: it never has. */
    lastEntry,

    quarantine: (checkpoint: CheckpointId, at: EpochMs, why: string): void =>
      void insertQuarantine.run(checkpoint, at, why),

    expire: ({ component, before, keep }: Jobs['expire']['ask']): number =>
      deleteExpired.run({ component, before, keep }).changes,

    trim: (component: ComponentName): number => deleteEntries.run(component, oldestThrough(component) ?? 0).changes,

    /** Gives a slice of free pages back to the file system. @returns how many are left. */
    vacuum(): number {
      db.pragma(`incremental_vacuum(${VACUUM_SLICE})`);
      return Number(db.pragma('freelist_count', { simple: true }));
    },
  };
}

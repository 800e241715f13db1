import { systemCode } from '../errors.ts';
import type { ComponentName, EpochMs } from '../model/index.ts';
import type { Database } from '../storage/open.ts';
import type { EntryBody } from './body.ts';
import { distinctOf } from './checkpoint-table.ts';
import { plainText, type Cipher } from './cipher.ts';
import { jsonOf, packEntry, readEntry } from './entry.ts';
import type { PlaceIndex } from './place-index.ts';
import { bodyInvalid } from './refusal.ts';
import type { Gap } from './state-store.ts';

/** Entries in their order, each as the JSON of a `JournalEntry`, and between which of them others are missing or damaged. */
export interface ReadJournal {
  readonly entries: readonly string[];
  readonly gaps: readonly Gap[];
}

const TRIM_SLICE = 1_000;

/** The SQL of the journal. Begins no transaction: its caller does. */
export function createJournalTable(db: Database, places: PlaceIndex, cipher: Cipher = plainText) {
  const insert = db.prepare(
    `INSERT INTO journal (entry_id, component, at, client_id, operation, data, previous, crc, schema_version)
     VALUES ($entry_id, $component, $at, $client_id, $operation, $data, $previous, $crc, $schema_version)`,
  );
  const selectOnce = db
    .prepare<[string, string], number>('SELECT entry_id FROM journal WHERE component = ? AND client_id = ?')
    .pluck();
  const selectAfter = db.prepare<[string, number], unknown>(
    `SELECT entry_id, at, client_id, operation, data, previous, crc, schema_version FROM journal
     WHERE component = ? AND entry_id > ? ORDER BY entry_id`,
  );
  const selectPrevious = db
    .prepare<[string], number | null>('SELECT max(entry_id) FROM journal WHERE component = ?')
    .pluck();
  const selectHighest = db.prepare<[], number>("SELECT seq FROM sqlite_sequence WHERE name = 'journal'").pluck();
  const selectKept = db.prepare<[string], number>('SELECT after_entry FROM journal_kept WHERE component = ?').pluck();
  const raiseKept = db.prepare<[string, number]>(
    `INSERT INTO journal_kept (component, after_entry) VALUES (?, ?)
     ON CONFLICT DO UPDATE SET after_entry = max(after_entry, excluded.after_entry)`,
  );
  const selectNext = db
    .prepare<[string, number], number | null>(
      'SELECT previous FROM journal WHERE component = ? AND entry_id > ? ORDER BY entry_id LIMIT 1',
    )
    .pluck();
  const deleteEntries = db.prepare<[string, number]>(
    `DELETE FROM journal WHERE entry_id IN (
       SELECT entry_id FROM journal WHERE component = ? AND entry_id <= ? ORDER BY entry_id LIMIT ${TRIM_SLICE})`,
  );

  const selectComponents = db.prepare<[], string>(distinctOf('journal')).pluck();

  function lastOf(component: ComponentName): number | null {
    // Entries that were pruned live on in the `through` of a checkpoint.
    const [entry, through] = [selectPrevious.get(component) ?? null, places.through(component)];
    return entry === null || through === null ? (entry ?? through) : Math.max(entry, through);
  }
  /** Entries up to here are given up: they may be gone. 0: none. */
  const keptAfter = (component: ComponentName): number => selectKept.get(component) ?? 0;

  /** Of the newest entry, in all and of each component; forgotten when a transaction fails. */
  let newest: number | null = null;
  const newestOf = new Map<ComponentName, number>();
  /** Those that are known to have journalled nothing, ever: most put their states and nothing else. */
  const silent = new Set<ComponentName>();
  let floor = 0;
  /** The highest number ever given out, of any component. */
  const highest = (): number => (newest ??= Math.max(selectHighest.get() ?? 0, floor));

  const newestOfOne = (component: ComponentName): number => {
    const known = newestOf.get(component) ?? selectPrevious.get(component) ?? 0;
    newestOf.set(component, known);
    return known;
  };

  /** An id of the client's as it is stored: what it says is the client's affair. */
  const idOf = (component: ComponentName, id: string): string =>
    cipher.keyId === null ? id : cipher.hash(`entry of ${component}`, id);

  /** The entry that a client id was given before, whatever key was in use then. */
  function findOnce(component: ComponentName, id: string): number | undefined {
    const found = selectOnce.get(component, idOf(component, id));
    if (found !== undefined || cipher.keyId === null) return found;
    const former = [id, ...cipher.formerHashes(`entry of ${component}`, id)];
    return former.map((each) => selectOnce.get(component, each)).find((entry) => entry !== undefined);
  }

  return {
    /** The newest entry of a component that is there; 0: none is. */
    newestOf: newestOfOne,

    /** Entries get numbers above it from now on, whatever is in the database: it may have lost some. */
    countFrom(lowest: number): void {
      floor = Math.max(floor, lowest);
      newest = null;
    },

    /** @returns its number: that of the entry which the same client id was given before, if it was. */
    append(component: ComponentName, at: EpochMs, entry: EntryBody): number {
      const { id, schema_version = null } = entry;
      const stored = id === undefined ? undefined : findOnce(component, id);
      if (stored !== undefined) return stored;
      const previous = newestOfOne(component);
      const entry_id = highest() + 1;
      const client_id = id === undefined ? null : idOf(component, id);
      const row = packEntry(component, { entry_id, at, client_id, previous, schema_version }, entry, cipher);
      insert.run({ ...row, component });
      newest = entry_id;
      newestOf.set(component, entry_id);
      silent.delete(component);
      return entry_id;
    },

    /** What can be read of what comes after an entry. @param upTo the newest that is known of. */
    after(component: ComponentName, entry: number, upTo: number | null): ReadJournal {
      const entries: string[] = [];
      const gaps: Gap[] = [];
      let before = entry;
      for (const row of readable(selectAfter.iterate(component, entry))) {
        const read = readEntry(component, row, cipher);
        if (!read) continue;
        const { previous, entry_id: id } = read;
        const hasGap = entries.length === 0 ? (previous ?? 0) > entry : previous !== null && previous !== before;
        if (hasGap) gaps.push({ after: before, before: id });
        entries.push(jsonOf(read));
        before = id;
      }
      if (upTo !== null && before < upTo) gaps.push({ after: before, before: upTo + 1 });
      return { entries, gaps };
    },

    forget(): void {
      newest = null;
      newestOf.clear();
      silent.clear();
    },

    /** The newest entry that the component has ever journalled; null: it never has. */
    last: lastOf,

    /** Those of which there are entries. */
    components: () => selectComponents.all() as ComponentName[],

    /**
     * What a checkpoint says of the journal must be true, and leave nothing out that is gone.
     * @throws Refusal BODY_INVALID
     */
    requireThrough(component: ComponentName, through: number | null): void {
      if (through === null) {
        if (silent.has(component)) return;
        const last = lastOf(component);
        if (last === null) return void silent.add(component);
        const why = `is required, because "${component}" has journalled: the entry_id of the last entry in the state (the newest is ${last})`;
        throw bodyInvalid('through', why);
      }
      silent.delete(component);
      // Any number that was ever given out will do: the next entry of this component has a higher one.
      if (through > highest())
        throw bodyInvalid(
          'through',
          `${through} is not a journal entry of "${component}": its newest is ${lastOf(component) ?? 'none'}`,
        );
      const kept = keptAfter(component);
      if (through < kept)
        throw bodyInvalid('through', `the journal is kept from ${kept} on: entries after ${through} may be gone`);
    },

    /** Whether all that came after an entry is there. @param upTo the newest that is known of. */
    reaches(component: ComponentName, entry: number, upTo: number): boolean {
      const previous = selectNext.get(component, entry);
      return previous === undefined ? upTo <= entry : (previous ?? 0) <= entry;
    },

    /** From now on no checkpoint is taken that would need them. */
    giveUp(component: ComponentName, upTo: number): void {
      if (upTo > keptAfter(component)) raiseKept.run(component, upTo);
    },

    /** A slice of what is given up goes. @returns how many entries. */
    trim(component: ComponentName): number {
      newestOf.delete(component);
      return deleteEntries.run(component, keptAfter(component)).changes;
    },
  };
}

/** Rows up to a page that is no page any more: what lies behind it is missing, and is told as a gap. */
function* readable<T>(rows: Iterable<T>): Generator<T> {
  try {
    yield* rows;
  } catch (error) {
    if (!systemCode(error)?.startsWith('SQLITE_CORRUPT')) throw error;
  }
}

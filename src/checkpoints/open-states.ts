import { dirname, join } from 'node:path';
import type { ComponentName, EpochMs } from '../model/index.ts';
import { openOrSetAside, type Database, type SetAside } from '../storage/open.ts';
import { plainText, type Cipher } from './cipher.ts';
import { createKeyTable, type KeyTable } from './key-table.ts';
import { createCheckpointFiles } from './checkpoint-files.ts';
import { openHighWater, type HighWater, type Slot } from './high-water.ts';
import { lossesOf } from './losses.ts';
import { stateMigrations } from './migrations.ts';
import type { Rekeyed } from './protocol.ts';
import { createStateDatabase, type StateDatabase } from './state-database.ts';
import type { Loss } from './state-store.ts';

const AUTO_CHECKPOINT_PAGES = 4_000;
/** What it grows to between two of them: a file that is cut off is made longer again, page by page, at twice the cost. */
const LARGEST_IDLE_WAL_BYTES = 20 * 2 ** 20;

interface Open {
  readonly db: Database;
  readonly keys: KeyTable;
  readonly rekeyed: Rekeyed | null;
  readonly states: StateDatabase;
  readonly losses: readonly Loss[];
  /** Components that were brought back to something, which is not known any more. */
  readonly lostResumes: readonly string[];
}

export interface OpenStates extends Omit<Open, 'keys'> {
  readonly setAside: SetAside | null;
  /** The losses are told: from now on no more is expected of the database than it holds. */
  acceptLosses(): void;
  /** A transaction is on disk: the marks follow. */
  raiseMarks(): void;
  /** Forgets the keys that nothing is encrypted with any more. @returns their ids. */
  retireKeys(): readonly string[];
  close(): void;
}

/**
 * Opens state.db and looks whether it holds all that it should: what the high-water marks beside it name and it does not
 * hold is lost, and so is all of them when the file had to be set aside.
 * @param now for a file that is begun anew: entries get numbers above it.
 * @throws Refusal STATE_LOCKED when something in it is encrypted with a key that the cipher has not; it stays as it is.
 */
export function openStates(
  file: string,
  now: EpochMs,
  cipher: Cipher = plainText,
  checkpointsFolder = folderBeside(file),
): OpenStates {
  const options = {
    synchronous: 'FULL',
    migrations: stateMigrations,
    autoCheckpointPages: AUTO_CHECKPOINT_PAGES,
    largestIdleWalBytes: LARGEST_IDLE_WAL_BYTES,
    clock: { now: () => now },
  } as const;
  const highWater = openHighWater(`${file}.marks`);
  const { value, setAside }: { value: Open; setAside: SetAside | null } = openOrSetAside(file, options, (db) => {
    const keys = createKeyTable(db, cipher);
    const rekeyed = keys.take(file, now);
    // What is deleted is overwritten from now on; what was deleted before, and what the WAL holds of it, goes.
    if (cipher.keyId !== null) db.pragma('secure_delete = ON');
    if (rekeyed?.former.includes('')) writeAnew(db);
    if (rekeyed) db.pragma('wal_checkpoint(TRUNCATE)');
    const files = createCheckpointFiles(checkpointsFolder, cipher);
    const states = createStateDatabase(db, files, highWater.slots, cipher);
    // Every row is looked at, and none is brought here: what is no page any more is found now.
    db.prepare('SELECT max(chain) FROM checkpoint LEFT JOIN quarantine ON quarantine.checkpoint = id').get();
    db.prepare('SELECT max(entry_id), max(component) FROM journal').get();
    const lostResumes = states.resumes.dropDamaged();
    return { db, keys, rekeyed, states, losses: findLosses(states, highWater), lostResumes };
  });
  const { db, states, losses, lostResumes, rekeyed, keys } = value;
  // Who lives through this knows entries by their old numbers and says so with the next checkpoint.
  if (setAside) states.journalled.countFrom(now);
  for (const { entry } of highWater.slots.values()) states.journalled.countFrom(entry);

  function raise(slots: ReadonlyMap<ComponentName, Slot>): void {
    try {
      highWater.set(slots);
    } catch {
      // A full disk: what was committed is there, and the marks say less than they could.
    }
  }

  return {
    db,
    states,
    setAside,
    losses,
    lostResumes,
    rekeyed,
    retireKeys: keys.retire,

    acceptLosses(): void {
      const accepted = new Map<ComponentName, Slot>();
      for (const { component, sequences, entries } of losses) {
        const slot = highWater.slots.get(component);
        if (!slot) continue;
        const sequence = sequences ? sequences[0] - 1 : slot.held.sequence;
        accepted.set(component, { ...slot, held: { sequence, entry: entries?.after ?? slot.held.entry } });
      }
      raise(accepted);
    },

    raiseMarks(): void {
      const raised = new Map<ComponentName, Slot>();
      for (const [component, { sequence, entry }] of states.settle()) {
        const old = highWater.slots.get(component) ?? NEW_SLOT;
        raised.set(component, {
          sequence: Math.max(old.sequence, sequence),
          entry: Math.max(old.entry, entry),
          held: { sequence: Math.max(old.held.sequence, sequence), entry: Math.max(old.held.entry, entry) },
        });
      }
      raise(raised);
    },

    close(): void {
      db.close();
      highWater.close();
    },
  };
}

/** Without what it does not use: there the bytes still lie that were deleted. */
function writeAnew(db: Database): void {
  try {
    db.exec('VACUUM');
  } catch {
    // No room for a second copy: such bytes stay until something else is written there.
  }
}

/** Of the checkpoints that are files too, unless another is given. */
export const folderBeside = (file: string): string => join(dirname(file), 'checkpoints');

const findLosses = (states: StateDatabase, { slots }: HighWater): Loss[] =>
  lossesOf(slots, (component) => ({
    sequence: states.checkpoints.head(component)?.sequence ?? 0,
    entry: states.journalled.last(component) ?? 0,
  }));

const NEW_SLOT: Slot = { sequence: 0, entry: 0, held: { sequence: 0, entry: 0 } };

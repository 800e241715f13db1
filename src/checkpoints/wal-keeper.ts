import { statSync } from 'node:fs';
import { systemClock, type Clock } from '../clock.ts';
import { openForCheckpoints, quickCheck, type Database } from '../storage/open.ts';

const WORTH_MOVING_PAGES = 256;
const WORTH_A_LOOK_BYTES = 2 ** 20;

/** Pages that the WAL holds, and those of them that are in the file already. */
interface Wal {
  readonly log: number;
  readonly checkpointed: number;
}

/**
 * Moves the WAL of a database that the main thread writes into its file, so that the main thread never pays for it.
 * PASSIVE takes no lock that a writer could meet, and gives way to readers.
 * @param onMoved hears that all of it is in the file: the next write begins it anew, and waits for the disk to.
 */
export function createWalKeeper(file: string, everyMs: number, onMoved: () => void, clock: Clock = systemClock) {
  let db: Database | undefined;
  // A second connection made too early would be the one to create the file.
  const connect = (): Database => (db ??= openForCheckpoints(file));
  const checkpoint = (mode: 'NOOP' | 'PASSIVE'): Wal => (connect().pragma(`wal_checkpoint(${mode})`) as [Wal])[0];

  /** It was told that all of so many pages are in the file; whoever has begun it anew since has made them fewer. */
  let told = 0;

  function tellMoved({ log, checkpointed }: Wal): void {
    const isMoved = log > 0 && checkpointed === log;
    if (isMoved && log !== told) onMoved();
    told = isMoved ? log : 0;
  }

  function keep(): void {
    // A file that has been large once stays so: what it holds that is new only SQLite can tell.
    const walBytes = statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0;
    if (walBytes <= WORTH_A_LOOK_BYTES) return;
    try {
      const wal = checkpoint('NOOP');
      // The main thread may have moved it itself.
      tellMoved(wal.log - wal.checkpointed < WORTH_MOVING_PAGES ? wal : checkpoint('PASSIVE'));
    } catch {
      // Whatever it is, the main thread meets it too and tells; here the next round tries again.
    }
  }

  const cancel = clock.every(everyMs, keep);
  return {
    quickCheck: () => quickCheck(connect()),
    close() {
      cancel();
      db?.close();
    },
  };
}

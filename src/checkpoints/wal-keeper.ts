import { statSync } from 'node:fs';
import { systemClock } from '../clock.ts';
import { openForCheckpoints, quickCheck, type Database } from '../storage/open.ts';

const WORTH_MOVING_BYTES = 2 ** 20;

/**
 * Moves the WAL of a database that the main thread writes into its file, so that the main thread never pays for it.
 * PASSIVE takes no lock that a writer could meet, and gives way to readers.
 */
export function createWalKeeper(file: string, everyMs: number) {
  let db: Database | undefined;
  // A second connection made too early would be the one to create the file.
  const connect = (): Database => (db ??= openForCheckpoints(file));

  function keep(): void {
    const walBytes = statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0;
    if (walBytes <= WORTH_MOVING_BYTES) return;
    try {
      connect().pragma('wal_checkpoint(PASSIVE)');
    } catch {
      // Whatever it is, the main thread meets it too and tells; here the next round tries again.
    }
  }

  const cancel = systemClock.every(everyMs, keep);
  return {
    quickCheck: () => quickCheck(connect()),
    close() {
      cancel();
      db?.close();
    },
  };
}

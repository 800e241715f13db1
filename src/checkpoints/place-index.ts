import type { ComponentName } from '../model/index.ts';
import type { Database } from '../storage/open.ts';

export interface PlaceIndex {
  /** Takes up what was stored since it was last asked: to be called before `place` is read. */
  bringUpToDate(): void;
  /** Of a row that is gone, by its number. */
  remove(component: ComponentName, sequence: number, number: number): void;
}

/**
 * The checkpoints of each component in their order: the table `place`, in memory. In the file, such an index is a page
 * to write for each component that saves, a quarter of what a small checkpoint takes. Here a row takes some 30 bytes, and
 * 2 µs when somebody asks for the first time since it was stored. It is made anew with each opening of the file: a bit
 * that flips in the file meanwhile does not get into it, and one that flipped before in the component or the sequence of
 * a row does. So two rows may have the same place, and the chain hash of one of them does not match.
 */
export function createPlaceIndex(db: Database): PlaceIndex {
  db.pragma('temp_store = MEMORY');
  db.exec(
    `CREATE TEMP TABLE place (
       component TEXT,
       sequence INTEGER,
       number INTEGER,
       through INTEGER,
       PRIMARY KEY (component, sequence, number)
     ) WITHOUT ROWID;
     CREATE TEMP TABLE placed (up_to INTEGER NOT NULL);
     INSERT INTO placed VALUES (0);`,
  );
  const insertNewer = db.prepare(
    `INSERT OR IGNORE INTO place SELECT component, sequence, number, through FROM checkpoint
     WHERE number > (SELECT up_to FROM placed)`,
  );
  // In a table too: what a transaction has taken up goes with it.
  const raise = db.prepare('UPDATE placed SET up_to = (SELECT max(number) FROM checkpoint)');
  const deleteOne = db.prepare<[string, number, number]>(
    'DELETE FROM place WHERE component = ? AND sequence = ? AND number = ?',
  );

  return {
    bringUpToDate(): void {
      if (insertNewer.run().changes > 0) raise.run();
    },
    remove: (component, sequence, number) => void deleteOne.run(component, sequence, number),
  };
}

import type { EventStore } from './event-store.ts';
import type { Database } from './open.ts';

/** Given back to the system with each deletion: a little, and often. */
const VACUUM_PAGES = 50;

export interface RetentionDeps {
  /** Runs one write. @throws STORE_FAILED */
  readonly storing: <T>(run: () => T) => T;
  /** Events that wait to be written. */
  readonly waiting: () => number;
}

export interface EventRetention extends Pick<EventStore, 'prune' | 'thin' | 'pruneIncidents'> {
  /** So many events have come. */
  grew(by: number): void;
}

/** Lets go of what is old, and of what there is too much of. */
export function createEventRetention(db: Database, { storing, waiting }: RetentionDeps): EventRetention {
  const deleteIncidents = db.prepare<[number]>('DELETE FROM incident WHERE resolved_at < ?');
  // Looks at the oldest rows only: a search for old rows must not read the whole table when there are none.
  const deleteOld = db.prepare<[number, number]>(
    `DELETE FROM event WHERE seq IN (
       SELECT seq FROM (SELECT seq, at FROM event ORDER BY seq LIMIT ?) WHERE at < ?)`,
  );
  const kinds = db.prepare<[], { type: string; component: string | null; n: number }>(
    'SELECT type, component, count(*) AS n FROM event GROUP BY type, component ORDER BY n DESC LIMIT 100',
  );
  const deleteBeyond = db.prepare<{ type: string; component: string | null; keep: number; most: number }>(
    `DELETE FROM event WHERE seq IN (
       SELECT seq FROM event AS old
       WHERE type = :type AND component IS :component AND seq <= (
         SELECT seq FROM event WHERE type = :type AND component IS :component ORDER BY seq DESC LIMIT 1 OFFSET :keep
       ) AND NOT EXISTS (
         SELECT 1 FROM incident WHERE id = old.incident AND resolved_at IS NULL
           AND old.seq = (SELECT min(seq) FROM event WHERE incident = id)
       )
       ORDER BY seq LIMIT :most)`,
  );
  /** As many events may still come before any kind can have more than it may: until then nobody need count them. */
  let roomForAKind = 0;

  const giveBack = (gone: number): number => {
    if (gone > 0) storing(() => db.pragma(`incremental_vacuum(${VACUUM_PAGES})`));
    return gone;
  };

  return {
    grew(by) {
      roomForAKind -= by;
    },

    prune: (before, most) => giveBack(storing(() => deleteOld.run(most, before)).changes),

    thin(keep, most) {
      if (roomForAKind > 0) return 0;
      const counted = kinds.all();
      roomForAKind = keep - (counted[0]?.n ?? 0) - waiting();
      let gone = 0;
      for (const { type, component, n } of counted)
        if (n > keep && gone < most)
          gone += storing(() => deleteBeyond.run({ type, component, keep, most: most - gone })).changes;
      return giveBack(gone);
    },

    pruneIncidents: (before) => void storing(() => deleteIncidents.run(before)),
  };
}

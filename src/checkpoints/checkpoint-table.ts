import { z } from 'zod';
import type { CheckpointId, ComponentName, EpochMs } from '../model/index.ts';
import type { Database } from '../storage/open.ts';
import { readEncoding, writeEncoding } from './codec.ts';
import type { PlaceIndex } from './place-index.ts';
import type { ChainLength } from './plan.ts';
import type { Jobs } from './protocol.ts';
import type { Retainable } from './retain.ts';
import type { Sealed } from './seal.ts';
import type { CheckpointInfo } from './state-store.ts';

// A bit that flipped must not keep the other rows from being read: what no one can have written is replaced here, and
// then does not match the record's chain hash.
const number = z.number().catch(0);
const infoRow = z
  .object({
    checkpoint_id: z.string().catch(''),
    component: z.string().catch(''),
    sequence: number,
    at: number,
    kind: z.enum(['full', 'incremental', 'disk']).catch('full'),
    trigger: z.enum(['interval', 'size', 'shutdown', 'manual', 'alert']).catch('interval'),
    schema_version: number,
    through: number.nullable(),
    parent: z.string().nullable().catch(null),
    size_bytes: number,
    stored_bytes: number,
    encoding: z.unknown(),
    sha256: z.string().catch(''),
    chain: z.string().catch(''),
    valid: number.transform((valid) => valid === 1),
  })
  .transform((row) => ({ ...row, ...readEncoding(row.encoding) }) as CheckpointInfo);

const INFO = `SELECT id AS checkpoint_id, checkpoint.component, checkpoint.sequence, checkpoint.at, kind, "trigger",
    schema_version, checkpoint.through, parent, size_bytes, stored_bytes, encoding, sha256, chain,
    quarantine.checkpoint IS NULL AS valid`;
const QUARANTINE = 'LEFT JOIN quarantine ON quarantine.checkpoint = id';
/** Those of one component, found by their places. */
const PLACED = 'place CROSS JOIN checkpoint USING (number)';

/** Checkpoints that a manifest names, or that their component was brought back to and has not saved since. */
const NAMED = `SELECT checkpoint FROM manifest_part
  UNION SELECT checkpoint FROM resume_point WHERE checkpoint IS NOT NULL`;

/** The newest record of a component: what the next one goes on from. */
export interface Head extends ChainLength {
  readonly id: CheckpointId;
  readonly sequence: number;
  readonly chain: string;
  /** Number of the full record that it builds on; its own when it is full itself. */
  readonly root: number;
  /** Hash of the request that made it, when that was a PATCH. */
  readonly request: string | null;
  readonly schemaVersion: number;
  readonly keyId: string | null;
  readonly valid: boolean;
}

/** What ties a record to others, and to the request that made it. */
export interface Links {
  /** null: it is full, and its own root. */
  readonly root: number | null;
  readonly chain: string;
  readonly request: string | null;
}

/** SQL that names each component of a table once: by its index, without reading all rows. */
export const distinctOf = (table: 'place' | 'journal'): string =>
  `WITH RECURSIVE name (component) AS (
     SELECT min(component) FROM ${table}
     UNION ALL SELECT (SELECT min(component) FROM ${table} WHERE component > name.component)
       FROM name WHERE component IS NOT NULL
   ) SELECT component FROM name WHERE component IS NOT NULL`;

/** The SQL of checkpoints. Begins no transaction: its caller does. */
export function createCheckpointTable(db: Database, places: PlaceIndex) {
  const insert = db.prepare(
    `INSERT INTO checkpoint (root, id, component, sequence, at, kind, "trigger", schema_version, through, parent,
       size_bytes, stored_bytes, encoding, sha256, chain, request, state)
     VALUES (coalesce(?, (SELECT seq + 1 FROM sqlite_sequence WHERE name = 'checkpoint'), 1),
       ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const selectHead = db.prepare<[string], HeadRow>(
    `SELECT id, checkpoint.sequence, chain, root, request, schema_version AS schemaVersion, encoding,
       id NOT IN (SELECT checkpoint FROM quarantine) AS valid
     FROM ${PLACED} WHERE place.component = ? ORDER BY place.sequence DESC LIMIT 1`,
  );
  const selectLength = db.prepare<[{ component: string; root: number }], ChainLength>(
    `SELECT count(*) - 1 AS patches, total(size_bytes) - whole.bytes AS patchBytes, whole.bytes AS fullBytes,
       whole.at AS fullAt
     FROM (SELECT sequence AS first, size_bytes AS bytes, at FROM checkpoint WHERE number = $root) AS whole
       CROSS JOIN ${PLACED}
     WHERE place.component = $component AND place.sequence >= whole.first`,
  );
  const selectAll = db.prepare<[number]>(`${INFO} FROM checkpoint ${QUARANTINE} ORDER BY number DESC LIMIT ?`);
  const selectOf = db.prepare<[string, number, number]>(
    `${INFO} FROM ${PLACED} ${QUARANTINE} WHERE place.component = ? AND place.sequence <= ?
     ORDER BY place.sequence DESC LIMIT ?`,
  );
  const selectNewestValid = db.prepare<[string]>(
    `${INFO} FROM ${PLACED} ${QUARANTINE} WHERE place.component = ? AND quarantine.checkpoint IS NULL
     ORDER BY place.sequence DESC LIMIT 1`,
  );
  const selectComponents = db.prepare<[], string>(distinctOf('place')).pluck();
  const selectOne = db.prepare<[string]>(`${INFO} FROM checkpoint ${QUARANTINE} WHERE id = ?`);
  const selectState = db.prepare<[string], Buffer>('SELECT state FROM checkpoint WHERE id = ?').pluck();
  const insertQuarantine = db.prepare('INSERT OR IGNORE INTO quarantine (checkpoint, at, why) VALUES (?, ?, ?)');
  const selectDescendants = db
    .prepare<[string], string>(
      `SELECT later.id FROM checkpoint AS bad CROSS JOIN place
         CROSS JOIN checkpoint AS later ON later.number = place.number
       WHERE bad.id = ? AND place.component = bad.component AND place.sequence > bad.sequence AND later.root = bad.root
       ORDER BY place.sequence`,
    )
    .pluck();
  const selectRetainable = db.prepare<[string], RetainableRow>(
    `SELECT place.sequence, root, checkpoint.at, checkpoint.through, quarantine.checkpoint IS NULL AS valid,
       id IN (${NAMED}) AS pinned
     FROM ${PLACED} ${QUARANTINE} WHERE place.component = ? ORDER BY place.sequence DESC`,
  );
  // Since it was found to be past its time it may have been named, or one that builds on it.
  const deletePlace = db.prepare<[string, number], Expired & { readonly number: number }>(
    `DELETE FROM checkpoint WHERE number IN (SELECT number FROM place WHERE component = ? AND sequence = ?)
       AND NOT EXISTS (
       SELECT 1 FROM checkpoint AS named
       WHERE named.id IN (${NAMED}) AND named.component = checkpoint.component AND named.root = checkpoint.root
         AND named.sequence >= checkpoint.sequence)
     RETURNING number, id, kind`,
  );
  const deleteAll = db.transaction((component: ComponentName, sequences: readonly number[]): Expired[] =>
    sequences.flatMap((sequence) =>
      deletePlace.all(component, sequence).map(({ number, id, kind }) => {
        places.remove(component, sequence, number);
        return { id, kind };
      }),
    ),
  );

  return {
    /** @returns its number. */
    insert(record: Sealed, { root, chain, request }: Links, state: Uint8Array): number {
      // In their places: by name, looking each of them up takes as long as storing them.
      const { lastInsertRowid } = insert.run(
        root,
        record.checkpoint_id,
        record.component,
        record.sequence,
        record.at,
        record.kind,
        record.trigger,
        record.schema_version,
        record.through,
        record.parent,
        record.size_bytes,
        record.stored_bytes,
        writeEncoding(record.encoding, record.key_id),
        record.sha256,
        chain,
        request,
        state,
      );
      return Number(lastInsertRowid);
    },

    head(component: ComponentName): Head | null {
      places.bringUpToDate();
      const row = selectHead.get(component);
      if (!row) return null;
      const length = selectLength.get({ component, root: row.root });
      const { patches = 0, patchBytes = 0, fullBytes = 0, fullAt = 0 } = length ?? {};
      const { encoding, ...rest } = row;
      const { key_id: keyId } = readEncoding(encoding);
      return { ...rest, keyId, valid: row.valid === 1, patches, patchBytes, fullBytes, fullAt };
    },

    /** Newest first; all of them unless `most` says otherwise. @param upTo of one component, the last place that counts. */
    list(component: ComponentName | null, most = -1, upTo = Number.MAX_SAFE_INTEGER): CheckpointInfo[] {
      places.bringUpToDate();
      const rows = component === null ? selectAll.all(most) : selectOf.all(component, upTo, most);
      return rows.map((row) => infoRow.parse(row));
    },

    one(checkpoint: CheckpointId): CheckpointInfo | null {
      const row = selectOne.get(checkpoint);
      return row === undefined ? null : infoRow.parse(row);
    },

    /** Those that have any. */
    components(): ComponentName[] {
      places.bringUpToDate();
      return selectComponents.all() as ComponentName[];
    },

    newestValid(component: ComponentName): CheckpointInfo | null {
      places.bringUpToDate();
      const row = selectNewestValid.get(component);
      return row === undefined ? null : infoRow.parse(row);
    },

    stateOf: (checkpoint: CheckpointId): Buffer | undefined => selectState.get(checkpoint),

    /** What builds on it. */
    descendants(checkpoint: CheckpointId): CheckpointId[] {
      places.bringUpToDate();
      return selectDescendants.all(checkpoint) as CheckpointId[];
    },

    quarantine: (checkpoint: CheckpointId, at: EpochMs, why: string): void =>
      void insertQuarantine.run(checkpoint, at, why),

    /** Newest first. */
    retainable(component: ComponentName): Retainable[] {
      places.bringUpToDate();
      const rows = selectRetainable.all(component);
      return rows.map((row) => ({ ...row, valid: row.valid === 1, pinned: row.pinned === 1 }));
    },

    /** @returns what went. */
    expire({ component, sequences }: Jobs['expire']['ask']): Expired[] {
      places.bringUpToDate();
      return deleteAll(component, sequences);
    },
  };
}
export type CheckpointTable = ReturnType<typeof createCheckpointTable>;

export interface Expired {
  readonly id: CheckpointId;
  readonly kind: CheckpointInfo['kind'];
}

type HeadRow = Omit<Head, keyof ChainLength | 'keyId' | 'valid'> & {
  readonly encoding: string;
  readonly valid: number;
};
type RetainableRow = Omit<Retainable, 'valid' | 'pinned'> & { readonly valid: number; readonly pinned: number };

import { z } from 'zod';
import { canonicalJson, datedId, sha256 } from '../digest.ts';
import { componentName, epochMs, type CheckpointId, type ManifestId } from '../model/index.ts';
import type { Database } from '../storage/open.ts';
import type { CheckpointTable } from './checkpoint-table.ts';
import type { Jobs } from './protocol.ts';
import { Refusal } from './refusal.ts';
import type { ManifestInfo } from './state-store.ts';

// As with checkpoints: a bit that flipped must not keep the others from being read, and shows in the checksum.
const manifestRow = z.object({
  number: z.number(),
  manifest_id: z
    .string()
    .catch('')
    .transform((id) => id as ManifestId),
  at: z.number().catch(0).transform(epochMs),
  trigger: z.enum(['interval', 'size', 'shutdown', 'manual', 'alert']).catch('manual'),
  sha256: z.string().catch(''),
});
const partRow = z.object({
  component: z.string().catch('').transform(componentName),
  checkpoint_id: z
    .string()
    .catch('')
    .transform((id) => id as CheckpointId),
  chain: z.string().catch(''),
  through: z.number().nullable().catch(null),
});
type ManifestRow = z.output<typeof manifestRow>;
type Part = z.output<typeof partRow>;

/** The SQL of manifests: which checkpoints were taken together. Begins no transaction but for one that is written. */
export function createManifestTable(db: Database, checkpoints: Pick<CheckpointTable, 'one'>) {
  const insert = db.prepare(
    'INSERT INTO manifest (id, at, "trigger", sha256) VALUES ($manifest_id, $at, $trigger, $hash)',
  );
  const insertPart = db.prepare(
    `INSERT INTO manifest_part (manifest, component, checkpoint, chain, through)
     VALUES ($manifest, $component, $checkpoint_id, $chain, $through)`,
  );
  const MANIFEST = 'SELECT number, id AS manifest_id, at, "trigger", sha256 FROM manifest';
  const selectAll = db.prepare(`${MANIFEST} ORDER BY number DESC`);
  const selectOne = db.prepare<[string]>(`${MANIFEST} WHERE id = ?`);
  const selectParts = db.prepare<[number]>(
    `SELECT component, checkpoint AS checkpoint_id, chain, through FROM manifest_part
     WHERE manifest = ? ORDER BY component`,
  );
  const deleteExpired = db.prepare(
    `DELETE FROM manifest WHERE at < $before
       OR number NOT IN (SELECT number FROM manifest ORDER BY number DESC LIMIT $keep)`,
  );

  /** Why it cannot be gone back to; null: it can, as far as can be said without reading the states. */
  function damageOf(manifest: ManifestRow, parts: readonly Part[]): string | null {
    if (seal(manifest, parts) !== manifest.sha256) return 'it does not match its checksum';
    for (const { component, checkpoint_id, chain } of parts) {
      const checkpoint = checkpoints.one(checkpoint_id);
      const what = `its checkpoint ${checkpoint_id} of "${component}"`;
      if (!checkpoint) return `${what} is gone`;
      if (!checkpoint.valid || checkpoint.chain !== chain) return `${what} is damaged`;
    }
    return null;
  }

  function read(row: unknown): ManifestInfo {
    const manifest = manifestRow.parse(row);
    const parts = selectParts.all(manifest.number).map((part) => partRow.parse(part));
    const why = damageOf(manifest, parts);
    const { number: _, sha256: __, ...info } = manifest;
    const shown = parts.map(({ chain: ___, ...part }) => part);
    return { ...info, parts: shown, valid: why === null, why };
  }

  function one(manifest: ManifestId): ManifestInfo | null {
    const row = selectOne.get(manifest);
    return row === undefined ? null : read(row);
  }

  const write = db.transaction(({ checkpoints: ids, trigger, at }: Jobs['manifest']['ask']): ManifestInfo => {
    const parts = ids.map((checkpoint): Part => {
      const found = checkpoints.one(checkpoint);
      if (!found) throw new Refusal({ code: 'CHECKPOINT_NOT_FOUND', parameters: { checkpoint } });
      if (!found.valid)
        throw new Refusal({ code: 'CHECKPOINT_CORRUPTED', parameters: { checkpoint, why: 'it is damaged' } });
      return found;
    });
    const manifest_id = datedId('MAN', at) as ManifestId;
    const hash = seal({ manifest_id, at, trigger }, parts);
    const manifest = insert.run({ manifest_id, at, trigger, hash }).lastInsertRowid;
    for (const { component, checkpoint_id, chain, through } of parts)
      insertPart.run({ manifest, component, checkpoint_id, chain, through });
    return read(selectOne.get(manifest_id));
  });

  return {
    one,

    /** Newest first. */
    list: (): ManifestInfo[] => selectAll.all().map(read),

    /**
     * Says that these checkpoints belong together, all of them in one transaction.
     * @throws Refusal CHECKPOINT_NOT_FOUND, CHECKPOINT_CORRUPTED
     */
    add: (asked: Jobs['manifest']['ask']): ManifestInfo => write(asked),

    /** @returns how many went; what they held may go then. */
    expire: ({ before, keep }: Jobs['expireManifests']['ask']): number => deleteExpired.run({ before, keep }).changes,
  };
}
export type ManifestTable = ReturnType<typeof createManifestTable>;

/** Of all that a manifest says: every flipped bit shows. */
function seal(manifest: Pick<ManifestRow, 'manifest_id' | 'at' | 'trigger'>, parts: readonly Part[]): string {
  const { manifest_id, at, trigger } = manifest;
  const said = parts
    .map(({ component, checkpoint_id, chain, through }) => ({ component, checkpoint_id, chain, through }))
    .toSorted((one, other) => (one.component < other.component ? -1 : 1));
  return sha256(canonicalJson({ manifest_id, at, trigger, parts: said }));
}

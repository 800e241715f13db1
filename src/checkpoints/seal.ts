import { canonicalJson, sha256 } from '../digest.ts';
import type { CheckpointInfo } from './state-store.ts';

/** All of a record that its chain hash vouches for. */
export type Sealed = Omit<CheckpointInfo, 'valid' | 'chain'>;

/**
 * The chain hash of a record: of all that is stored of it, the hash of its bytes among them, and of the chain hash of
 * what it builds on. So a bit that flips anywhere, or a patch that lands on another state, shows.
 * @param before chain hash of the record that an incremental one is applied to; empty for a full one.
 */
export const seal = (before: string, sealed: Sealed): string => sha256(`${before}\n${canonicalOf(sealed)}`);

/** RFC 8785: in the order of the names, which saves sorting them for each record. Without a key there is no `key_id`. */
function canonicalOf(record: Sealed): string {
  return JSON.stringify({
    at: record.at,
    checkpoint_id: record.checkpoint_id,
    component: record.component,
    encoding: record.encoding,
    key_id: record.key_id ?? undefined,
    kind: record.kind,
    parent: record.parent,
    schema_version: record.schema_version,
    sequence: record.sequence,
    sha256: record.sha256,
    size_bytes: record.size_bytes,
    stored_bytes: record.stored_bytes,
    through: record.through,
    trigger: record.trigger,
  });
}

/** What an encrypted record's bytes belong to, and nothing else: all that is known of it before they are there. */
export function bindingOf(record: Omit<Sealed, 'stored_bytes' | 'sha256'>): string {
  const { checkpoint_id, component, sequence, at, kind, trigger, schema_version, through, parent } = record;
  const { size_bytes, encoding } = record;
  const fields = { checkpoint_id, component, sequence, at, kind, trigger, schema_version, through, parent };
  return `checkpoint ${canonicalJson({ ...fields, size_bytes, encoding })}`;
}

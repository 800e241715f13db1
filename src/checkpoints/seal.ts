import { canonicalJson, sha256 } from '../digest.ts';
import type { CheckpointInfo } from './state-store.ts';

/** All of a record that its chain hash vouches for. */
export type Sealed = Omit<CheckpointInfo, 'valid' | 'chain'>;

/**
 * The chain hash of a record: of all that is stored of it, the hash of its bytes among them, and of the chain hash of
 * what it builds on. So a bit that flips anywhere, or a patch that lands on another state, shows.
 * @param before chain hash of the record that an incremental one is applied to; empty for a full one.
 */
export function seal(before: string, sealed: Sealed): string {
  const { checkpoint_id, component, sequence, at, kind, trigger, schema_version, through, parent } = sealed;
  const { size_bytes, stored_bytes, encoding, key_id, sha256: hash } = sealed;
  const fields = { checkpoint_id, component, sequence, at, kind, trigger, schema_version, through, parent };
  const key = key_id === null ? {} : { key_id };
  return sha256(`${before}\n${canonicalJson({ ...fields, size_bytes, stored_bytes, encoding, ...key, sha256: hash })}`);
}

/** What an encrypted record's bytes belong to, and nothing else: all that is known of it before they are there. */
export function bindingOf(record: Omit<Sealed, 'stored_bytes' | 'sha256'>): string {
  const { checkpoint_id, component, sequence, at, kind, trigger, schema_version, through, parent } = record;
  const { size_bytes, encoding } = record;
  const fields = { checkpoint_id, component, sequence, at, kind, trigger, schema_version, through, parent };
  return `checkpoint ${canonicalJson({ ...fields, size_bytes, encoding })}`;
}

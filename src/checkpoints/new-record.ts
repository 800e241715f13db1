import { sha256 } from '../digest.ts';
import type { Cipher } from './cipher.ts';
import type { RecordEncoding } from './codec.ts';
import { bindingOf, type Sealed } from './seal.ts';
import type { CheckpointInfo } from './state-store.ts';

/** What is known of a checkpoint before it has a place. */
export type Fresh = Pick<
  CheckpointInfo,
  'checkpoint_id' | 'component' | 'at' | 'trigger' | 'kind' | 'schema_version' | 'through'
>;

/** The last place that was taken in the row of its component, and by whom. */
export type Place = Pick<CheckpointInfo, 'sequence' | 'parent'>;

export interface Packed {
  readonly encoding: RecordEncoding;
  readonly bytes: Uint8Array;
  /** Of chunks that were not there yet. */
  readonly addedBytes?: number;
}

/** All of a record but its chain hash, and its bytes as they are stored. @param json what was packed. */
export function newRecord(last: Place, fresh: Fresh, json: Uint8Array, packed: Packed, cipher: Cipher) {
  const named = {
    ...fresh,
    sequence: last.sequence + 1,
    parent: last.parent,
    size_bytes: json.byteLength,
    encoding: packed.encoding,
    key_id: cipher.keyId,
  };
  const bytes = cipher.keyId === null ? packed.bytes : cipher.encrypt(packed.bytes, bindingOf(named));
  const stored_bytes = bytes.byteLength + (packed.addedBytes ?? 0);
  return { record: { ...named, stored_bytes, sha256: sha256(bytes) } satisfies Sealed, bytes };
}

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
  // Field by field, once: copies of objects with so many took a tenth of what a small checkpoint costs.
  const record: { -readonly [Field in keyof Sealed]: Sealed[Field] } = {
    checkpoint_id: fresh.checkpoint_id,
    component: fresh.component,
    sequence: last.sequence + 1,
    at: fresh.at,
    kind: fresh.kind,
    trigger: fresh.trigger,
    schema_version: fresh.schema_version,
    through: fresh.through,
    parent: last.parent,
    size_bytes: json.byteLength,
    stored_bytes: 0,
    encoding: packed.encoding,
    key_id: cipher.keyId,
    sha256: '',
  };
  const bytes = cipher.keyId === null ? packed.bytes : cipher.encrypt(packed.bytes, bindingOf(record));
  record.stored_bytes = bytes.byteLength + (packed.addedBytes ?? 0);
  record.sha256 = sha256(bytes);
  return { record: record as Sealed, bytes };
}

import { sha256 } from '../digest.ts';
import { sentenceOf } from '../errors.ts';
import type { CheckpointId } from '../model/index.ts';
import type { CheckpointTable } from './checkpoint-table.ts';
import type { ChunkTable } from './chunk-table.ts';
import type { Cipher } from './cipher.ts';
import { decode } from './codec.ts';
import { inspectJson } from './json-text.ts';
import { applyPatch } from './patch.ts';
import { Refusal } from './refusal.ts';
import { bindingOf, seal } from './seal.ts';
import type { CheckpointInfo } from './state-store.ts';

export interface OpenState {
  /** Its JSON: as it was sent when it is stored whole, else with what was patched since. */
  json(): Buffer;
  value(): unknown;
  /** JavaScript reads and writes it without changing it. */
  exact(): boolean;
}

/** A record whose bytes are not what was written, found on the way to a state. */
export interface BadRecord {
  readonly bad: CheckpointInfo;
  readonly why: string;
}

export interface Tables {
  readonly checkpoints: Pick<CheckpointTable, 'one' | 'stateOf'>;
  readonly chunks: Pick<ChunkTable, 'read'>;
  readonly cipher: Cipher;
}

/**
 * Reads the state of a checkpoint: its full record and the patches since, each compared with what is known of it.
 * @throws Refusal STATE_LOCKED: without its key nothing can be said of it.
 */
export function openState(tables: Tables, checkpoint: CheckpointInfo): OpenState | BadRecord {
  const records = chainOf(tables, checkpoint);
  if ('bad' in records) return records;
  let chain = '';
  let opened = whole(Buffer.from('null'));
  for (const record of records) {
    try {
      const stored = tables.checkpoints.stateOf(record.checkpoint_id);
      if (!stored || sha256(stored) !== record.sha256)
        return { bad: record, why: 'its bytes do not match its checksum' };
      if (!isSealed(record, chain)) return { bad: record, why: 'its record does not match its chain hash' };
      const { checkpoint_id: id, encoding, key_id: keyId } = record;
      const bytes = keyId === null ? stored : tables.cipher.decrypt(stored, bindingOf(record));
      const json = encoding === 'chunks' ? tables.chunks.read(id, bytes) : decode(encoding, bytes);
      if (record.kind !== 'incremental') opened = whole(json);
      else opened = patched(applyPatch(opened.value(), JSON.parse(json.toString()) as unknown[]));
    } catch (error) {
      if (error instanceof Refusal) throw error;
      return { bad: record, why: sentenceOf(error) };
    }
    chain = record.chain;
  }
  return opened;
}

const whole = (json: Buffer): OpenState => ({
  json: () => json,
  value: () => JSON.parse(json.toString()),
  exact: () => inspectJson(json).exact,
});

/** Only what is exact is ever patched. */
const patched = (value: unknown): OpenState => ({
  json: () => Buffer.from(JSON.stringify(value)),
  value: () => value,
  exact: () => true,
});

/** The full record first. */
function chainOf({ checkpoints }: Tables, checkpoint: CheckpointInfo): CheckpointInfo[] | BadRecord {
  const records = [checkpoint];
  const seen = new Set<CheckpointId>();
  for (let record = checkpoint; record.kind === 'incremental'; records.unshift(record)) {
    const before = record.parent === null || seen.has(record.parent) ? null : checkpoints.one(record.parent);
    if (!before) return { bad: record, why: 'the checkpoint that it builds on is not there' };
    seen.add(before.checkpoint_id);
    record = before;
  }
  return records;
}

/** @param before chain hash of the record that it builds on. */
function isSealed(record: CheckpointInfo, before: string): boolean {
  // Records of before there were chains have none, and are all full.
  if (record.chain === '' && record.kind === 'full') return true;
  return seal(record.kind === 'incremental' ? before : '', record) === record.chain;
}

import { sha256 } from '../digest.ts';
import { sentenceOf } from '../errors.ts';
import type { CheckpointId } from '../model/index.ts';
import type { CheckpointTable } from './checkpoint-table.ts';
import { decode } from './codec.ts';
import { applyPatch } from './patch.ts';
import { isExact } from './plan.ts';
import { seal } from './seal.ts';
import type { CheckpointInfo } from './state-store.ts';

export interface OpenState {
  readonly value: unknown;
  /** JavaScript reads and writes it without changing it. */
  readonly exact: boolean;
  /** Of the JSON of the full record. */
  readonly sizeBytes: number;
}

/** A record whose bytes are not what was written, found on the way to a state. */
export interface BadRecord {
  readonly bad: CheckpointInfo;
  readonly why: string;
}

type Table = Pick<CheckpointTable, 'one' | 'stateOf'>;

/** Reads the state of a checkpoint: its full record and the patches since, each compared with what is known of it. */
export function openState(table: Table, checkpoint: CheckpointInfo): OpenState | BadRecord {
  const records = chainOf(table, checkpoint);
  if ('bad' in records) return records;
  let chain = '';
  let opened: OpenState = { value: null, exact: true, sizeBytes: 0 };
  for (const record of records) {
    try {
      const why = complaintOf(table, record, chain);
      if (why !== null) return { bad: record, why };
      const json = decode(record.encoding, table.stateOf(record.checkpoint_id) ?? Buffer.alloc(0)).toString();
      if (record.kind === 'full')
        opened = { value: JSON.parse(json), exact: isExact(json), sizeBytes: record.size_bytes };
      else opened = { ...opened, value: applyPatch(opened.value, JSON.parse(json) as unknown[]) };
    } catch (error) {
      return { bad: record, why: sentenceOf(error) };
    }
    chain = record.chain;
  }
  return opened;
}

/** The full record first. */
function chainOf(table: Table, checkpoint: CheckpointInfo): CheckpointInfo[] | BadRecord {
  const records = [checkpoint];
  const seen = new Set<CheckpointId>();
  for (let record = checkpoint; record.kind === 'incremental'; records.unshift(record)) {
    const before = record.parent === null || seen.has(record.parent) ? null : table.one(record.parent);
    if (!before) return { bad: record, why: 'the checkpoint that it builds on is not there' };
    seen.add(before.checkpoint_id);
    record = before;
  }
  return records;
}

/** What is wrong with a record by itself. @param before chain hash of the one that it builds on. */
function complaintOf(table: Table, record: CheckpointInfo, before: string): string | null {
  const bytes = table.stateOf(record.checkpoint_id);
  if (!bytes || sha256(bytes) !== record.sha256) return 'its bytes do not match its checksum';
  // Records of before there were chains have none, and are all full.
  if (record.chain === '' && record.kind === 'full') return null;
  const expected = seal(record.kind === 'full' ? '' : before, record);
  return expected === record.chain ? null : 'its record does not match its chain hash';
}

import type { CheckpointId, EpochMs } from '../model/index.ts';
import { owned } from './bytes.ts';
import type { CheckpointDocument } from './checkpoint-document.ts';
import { openAsked, openChecked } from './open-checked.ts';
import type { Jobs } from './protocol.ts';
import { Refusal } from './refusal.ts';
import type { StateDatabase } from './state-database.ts';
import type { BadFile, CheckpointInfo } from './state-store.ts';

/*
 * Checkpoints for people: one with its state, whether it is sound, and the file of one that state.db knows nothing of.
 */

/** One checkpoint with its state. @throws Refusal CHECKPOINT_NOT_FOUND */
export function read(states: StateDatabase, { checkpoint, at }: Jobs['read']['ask']): Jobs['read']['answer'] {
  const info = states.checkpoints.one(checkpoint);
  if (!info) return { found: readFile(states, checkpoint), damage: null };
  const { opened, damage } = openAsked(states, info, at);
  if (!opened) return { found: null, damage };
  const found = { ...info, valid: info.valid && !damage, state: owned(opened.json()) };
  return { found: { ...found, journal_complete: isReplayable(states, info) }, damage };
}

/** One that state.db knows nothing of. @throws Refusal CHECKPOINT_NOT_FOUND or CHECKPOINT_CORRUPTED */
function readFile(states: StateDatabase, checkpoint: CheckpointId) {
  const file = findFile(states, checkpoint);
  if (!file) throw new Refusal({ code: 'CHECKPOINT_NOT_FOUND', parameters: { checkpoint } });
  const size = file.state.byteLength;
  const record = { sequence: 0, parent: null, chain: '', encoding: 'json', valid: true } as const;
  const info = { ...file, ...record, kind: 'disk', size_bytes: size, stored_bytes: size } as const;
  return { ...info, state: owned(file.state), journal_complete: file.through === null };
}

/** Nothing that came after it is missing; true too for a component that does not journal. */
function isReplayable(states: StateDatabase, { component, through }: CheckpointInfo): boolean {
  return states.journalled.reaches(component, through ?? 0, states.markOf(component).entry);
}

export function verify(states: StateDatabase, id: CheckpointId, at: EpochMs): Jobs['verify']['answer'] {
  const info = states.checkpoints.one(id);
  if (!info) return null;
  const opened = openChecked(states, info, at);
  const damage = 'damage' in opened ? opened.damage : null;
  const badFile = info.kind === 'disk' && !('damage' in opened) ? badFileOf(states, info, opened.json()) : null;
  return { checkpoint: { ...info, valid: info.valid && !damage }, damage, badFile };
}

/** What is wrong with the file of a checkpoint whose record is sound; null: nothing. */
function badFileOf(states: StateDatabase, info: CheckpointInfo, json: Buffer): BadFile | null {
  const { checkpoint_id, component } = info;
  const found = states.files.of(component, checkpoint_id);
  const isSame = 'state' in found && found.checkpoint_id === checkpoint_id && found.state.equals(json);
  if (isSame) return null;
  const why = 'why' in found ? found.why : 'it is the file of another checkpoint, or of another state';
  return { checkpoint_id, component, file: states.files.fileOf(component, checkpoint_id), why };
}

/** @throws Refusal CHECKPOINT_CORRUPTED */
export function findFile(states: StateDatabase, checkpoint: CheckpointId): CheckpointDocument | null {
  const file = states.files.find(checkpoint);
  if (file && 'why' in file)
    throw new Refusal({ code: 'CHECKPOINT_CORRUPTED', parameters: { checkpoint, why: file.why } });
  return file;
}

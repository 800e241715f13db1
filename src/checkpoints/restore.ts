import type { CheckpointId, ComponentName, EpochMs } from '../model/index.ts';
import { jsonBytes, owned } from './bytes.ts';
import type { CheckpointDocument } from './checkpoint-document.ts';
import { choose } from './choose.ts';
import type { ReadJournal } from './journal-table.ts';
import { openState, type OpenState } from './open-state.ts';
import type { Damage, Jobs } from './protocol.ts';
import { Refusal } from './refusal.ts';
import type { StateDatabase } from './state-database.ts';
import type { BadFile, CheckpointInfo } from './state-store.ts';

const FIRST_LOOK = 8;
const NO_ENTRIES: ReadJournal = { entries: [], gaps: [] };

type Opened = OpenState | { readonly damage: Damage };

/**
 * Reads one state. What does not match what is known of it is quarantined, with all that builds on it: the bytes are
 * kept, and never used again.
 */
function open(states: StateDatabase, checkpoint: CheckpointInfo, at: EpochMs): Opened {
  const opened = openState(states, checkpoint);
  if (!('bad' in opened)) return opened;
  const { bad, why } = opened;
  const damage = { checkpoint: bad.checkpoint_id, component: checkpoint.component, why, isNew: bad.valid };
  let useless: CheckpointId[] = [];
  try {
    useless = states.checkpoints.descendants(bad.checkpoint_id);
    states.checkpoints.quarantine(bad.checkpoint_id, at, why);
    for (const id of useless)
      states.checkpoints.quarantine(id, at, `it builds on ${bad.checkpoint_id}, which is damaged`);
    states.forget(checkpoint.component);
  } catch {
    // A full disk must not stand in the way of a restore: the damage is found again the next time.
  }
  return { damage: { ...damage, useless: [...useless, checkpoint.checkpoint_id] } };
}

/** Who asks for it by name gets it from its file when its record is damaged. */
function openAsked(states: StateDatabase, checkpoint: CheckpointInfo, at: EpochMs) {
  const opened = open(states, checkpoint, at);
  if (!('damage' in opened)) return { opened, damage: null };
  const { component, checkpoint_id: id, kind } = checkpoint;
  const file = kind === 'disk' ? states.files.of(component, id) : null;
  const isSound = file && 'state' in file && file.checkpoint_id === id;
  return { opened: isSound ? { json: () => file.state } : null, damage: opened.damage };
}

/** What a component continues from: the newest state that verifies and is not in doubt, and the journal after it. */
export function restore(
  states: StateDatabase,
  { component, endedAt, doubted, at, only, bare }: Jobs['restore']['ask'],
) {
  const { checkpoints, journalled } = states;
  const adopted = only !== undefined && adopt(states, component, only);
  const after = (entry: number) => (bare ? NO_ENTRIES : journalled.after(component, entry, known.entry));
  // A day of checkpoints is long, and the newest nearly always verifies.
  let candidates =
    only === undefined ? checkpoints.list(component, FIRST_LOOK) : [ofComponent(states, component, only)];
  const last = journalled.last(component);
  const known = states.markOf(component);
  // One in memory has a place beyond all that was ever stored.
  const newest = Math.max(known.sequence, candidates[0]?.sequence ?? 0);
  const damaged: Damage[] = [];
  let avoided = doubted;
  const answer = (restored: Omit<Jobs['restore']['answer']['restored'], 'through'>): Jobs['restore']['answer'] => ({
    restored: { through: last, ...restored },
    damaged,
    hadAnything: candidates.length > 0 || last !== null,
  });
  for (;;) {
    const useless = damaged.flatMap((each) => [each.checkpoint, ...each.useless]);
    const { checkpoint, source } = choose(candidates, new Set([...avoided, ...useless]));
    if (!checkpoint && candidates.length === FIRST_LOOK) {
      const all = checkpoints.list(component);
      if (all.length > candidates.length) {
        candidates = all;
        continue;
      }
    }
    if (!checkpoint && avoided.size > 0) {
      // All others are damaged or in doubt as well: better the newest than nothing.
      avoided = new Set();
      continue;
    }
    if (!checkpoint) {
      const oldest = candidates.at(-1);
      const lostMs = oldest ? Math.max(0, (endedAt ?? at) - oldest.at) : 0;
      const { entries, gaps } = after(0);
      return answer({
        checkpoint_id: null,
        state: jsonBytes(null),
        schema_version: 1,
        ...listOf(entries),
        data_loss_seconds: lostMs / 1_000,
        lost_checkpoints: oldest ? known.sequence - oldest.sequence + 1 : known.sequence,
        lost_entries: gaps,
        source,
      });
    }
    const { opened, damage } =
      only === undefined ? openNext(states, checkpoint, at) : openAsked(states, checkpoint, at);
    if (damage) damaged.push(damage);
    if (!opened) continue;
    const { entries, gaps } = after(checkpoint.through ?? 0);
    const journals = last !== null && gaps.length === 0 && !bare && !adopted;
    const lostMs = !journals && endedAt !== null ? Math.max(0, endedAt - checkpoint.at) : 0;
    const sound = candidates.filter(
      ({ sequence, valid, checkpoint_id: id }) => sequence > checkpoint.sequence && valid && !useless.includes(id),
    );
    return answer({
      checkpoint_id: checkpoint.checkpoint_id,
      state: owned(opened.json()),
      schema_version: checkpoint.schema_version,
      ...listOf(entries),
      data_loss_seconds: lostMs / 1_000,
      lost_checkpoints: only === undefined ? Math.max(0, newest - checkpoint.sequence - sound.length) : 0,
      lost_entries: gaps,
      source: only !== undefined && checkpoint.sequence < newest ? 'previous' : source,
    });
  }
}

const listOf = (entries: readonly string[]) => ({
  journal: owned(Buffer.from(`[${entries.join()}]`)),
  entries: entries.length,
});

/** The newest but damaged is passed over. */
function openNext(states: StateDatabase, checkpoint: CheckpointInfo, at: EpochMs) {
  const opened = open(states, checkpoint, at);
  return 'damage' in opened ? { opened: null, damage: opened.damage } : { opened, damage: null };
}

/**
 * Stores what there is only a file of. @returns whether it did.
 * @throws Refusal CHECKPOINT_CORRUPTED
 */
function adopt(states: StateDatabase, component: ComponentName, checkpoint: CheckpointId): boolean {
  const file = states.checkpoints.one(checkpoint) ? null : findFile(states, checkpoint);
  if (file?.component !== component) return false;
  states.adopt(file);
  return true;
}

/** @throws Refusal CHECKPOINT_CORRUPTED */
function findFile(states: StateDatabase, checkpoint: CheckpointId): CheckpointDocument | null {
  const file = states.files.find(checkpoint);
  if (file && 'why' in file)
    throw new Refusal({ code: 'CHECKPOINT_CORRUPTED', parameters: { checkpoint, why: file.why } });
  return file;
}

/** @throws Refusal CHECKPOINT_NOT_FOUND, also for one of another component. */
function ofComponent(states: StateDatabase, component: ComponentName, checkpoint: CheckpointId): CheckpointInfo {
  const info = states.checkpoints.one(checkpoint);
  if (info?.component === component) return { ...info, valid: true };
  throw new Refusal({ code: 'CHECKPOINT_NOT_FOUND', parameters: { checkpoint } });
}

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
  const opened = open(states, info, at);
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

import type { CheckpointId, ComponentName, EpochMs } from '../model/index.ts';
import { jsonBytes, owned } from './bytes.ts';
import { choose } from './choose.ts';
import type { ReadJournal } from './journal-table.ts';
import { openState, type OpenState } from './open-state.ts';
import type { Damage, Jobs } from './protocol.ts';
import { Refusal } from './refusal.ts';
import type { StateDatabase } from './state-database.ts';
import type { CheckpointInfo } from './state-store.ts';

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

/** What a component continues from: the newest state that verifies and is not in doubt, and the journal after it. */
export function restore(
  states: StateDatabase,
  { component, endedAt, doubted, at, only, bare }: Jobs['restore']['ask'],
) {
  const { checkpoints, journalled } = states;
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
    const opened = open(states, checkpoint, at);
    if ('damage' in opened) {
      damaged.push(opened.damage);
      continue;
    }
    const { entries, gaps } = after(checkpoint.through ?? 0);
    const journals = last !== null && gaps.length === 0 && !bare;
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

/** @throws Refusal CHECKPOINT_NOT_FOUND, also for one of another component. */
function ofComponent(states: StateDatabase, component: ComponentName, checkpoint: CheckpointId): CheckpointInfo {
  const info = states.checkpoints.one(checkpoint);
  if (info?.component === component) return { ...info, valid: true };
  throw new Refusal({ code: 'CHECKPOINT_NOT_FOUND', parameters: { checkpoint } });
}

/** One checkpoint with its state. @throws Refusal CHECKPOINT_NOT_FOUND */
export function read(states: StateDatabase, { checkpoint, at }: Jobs['read']['ask']): Jobs['read']['answer'] {
  const info = states.checkpoints.one(checkpoint);
  if (!info) throw new Refusal({ code: 'CHECKPOINT_NOT_FOUND', parameters: { checkpoint } });
  const opened = open(states, info, at);
  return 'damage' in opened
    ? { found: null, damage: opened.damage }
    : { found: { ...info, state: owned(opened.json()), journal_complete: isReplayable(states, info) }, damage: null };
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
  return { checkpoint: { ...info, valid: info.valid && !damage }, damage };
}

import { sha256 } from '../digest.ts';
import { sentenceOf } from '../errors.ts';
import type { CheckpointId, EpochMs } from '../model/index.ts';
import { choose } from './choose.ts';
import type { Damage, Jobs } from './protocol.ts';
import { Refusal } from './refusal.ts';
import type { StateDatabase } from './state-database.ts';
import type { CheckpointInfo } from './state-store.ts';

const FIRST_LOOK = 8;

type Opened = { readonly state: unknown } | { readonly damage: Damage };

/** Reads one state and compares its bytes with its checksum; what does not match is quarantined, its bytes kept. */
function openState(states: StateDatabase, checkpoint: CheckpointInfo, at: EpochMs): Opened {
  const { checkpoint_id: id, component, valid } = checkpoint;
  const damaged = (why: string): Opened => {
    try {
      states.quarantine(id, at, why);
    } catch {
      // A full disk must not stand in the way of a restore: the damage is found again the next time.
    }
    return { damage: { checkpoint: id, component, why, isNew: valid } };
  };
  try {
    const bytes = states.stateOf(id);
    if (!bytes || sha256(bytes) !== checkpoint.sha256) return damaged('its bytes do not match its checksum');
    return { state: JSON.parse(bytes.toString()) };
  } catch (error) {
    return damaged(sentenceOf(error));
  }
}

/** What a component continues from: the newest state that verifies and is not in doubt, and the journal after it. */
export function restore(states: StateDatabase, { component, endedAt, doubted, at }: Jobs['restore']['ask']) {
  // A day of checkpoints is long, and the newest nearly always verifies.
  let candidates = states.list(component, FIRST_LOOK);
  const last = states.lastEntry(component);
  const damaged: Damage[] = [];
  let avoided = doubted;
  const answer = (restored: Omit<Jobs['restore']['answer']['restored'], 'through'>): Jobs['restore']['answer'] => ({
    restored: { through: last, ...restored },
    damaged,
    hadAnything: candidates.length > 0 || last !== null,
  });
  for (;;) {
    const { checkpoint, source } = choose(candidates, new Set([...avoided, ...damaged.map((each) => each.checkpoint)]));
    if (!checkpoint && candidates.length === FIRST_LOOK) {
      const all = states.list(component);
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
      const journal = states.entriesAfter(component, 0);
      const nothing = { checkpoint_id: null, state: null, schema_version: 1 };
      return answer({ ...nothing, journal, data_loss_seconds: lostMs / 1_000, source });
    }
    const opened = openState(states, checkpoint, at);
    if ('damage' in opened) {
      damaged.push(opened.damage);
      continue;
    }
    const lostMs = last === null && endedAt !== null ? Math.max(0, endedAt - checkpoint.at) : 0;
    return answer({
      checkpoint_id: checkpoint.checkpoint_id,
      state: opened.state,
      schema_version: checkpoint.schema_version,
      journal: states.entriesAfter(component, checkpoint.through ?? 0),
      data_loss_seconds: lostMs / 1_000,
      source,
    });
  }
}

/** One checkpoint with its state. @throws Refusal CHECKPOINT_NOT_FOUND */
export function read(states: StateDatabase, { checkpoint, at }: Jobs['read']['ask']): Jobs['read']['answer'] {
  const info = states.one(checkpoint);
  if (!info) throw new Refusal({ code: 'CHECKPOINT_NOT_FOUND', parameters: { checkpoint } });
  const opened = openState(states, info, at);
  return 'damage' in opened
    ? { found: null, damage: opened.damage }
    : { found: { ...info, state: opened.state }, damage: null };
}

export function verify(states: StateDatabase, id: CheckpointId, at: EpochMs): Jobs['verify']['answer'] {
  const info = states.one(id);
  if (!info) return null;
  const opened = openState(states, info, at);
  const damage = 'damage' in opened ? opened.damage : null;
  return { checkpoint: { ...info, valid: info.valid && !damage }, damage };
}

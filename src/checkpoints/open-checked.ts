import type { CheckpointId, EpochMs } from '../model/index.ts';
import { openState, type OpenState } from './open-state.ts';
import type { Damage } from './protocol.ts';
import type { StateDatabase } from './state-database.ts';
import type { CheckpointInfo } from './state-store.ts';

type Opened = OpenState | { readonly damage: Damage };

export interface Tried {
  readonly opened: Pick<OpenState, 'json'> | null;
  readonly damage: Damage | null;
}

/**
 * Reads one state. What does not match what is known of it is quarantined, with all that builds on it: the bytes are
 * kept, and never used again.
 */
export function openChecked(states: StateDatabase, checkpoint: CheckpointInfo, at: EpochMs): Opened {
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
export function openAsked(states: StateDatabase, checkpoint: CheckpointInfo, at: EpochMs): Tried {
  const opened = openChecked(states, checkpoint, at);
  if (!('damage' in opened)) return { opened, damage: null };
  const { component, checkpoint_id: id, kind } = checkpoint;
  const file = kind === 'disk' ? states.files.of(component, id) : null;
  const isSound = file && 'state' in file && file.checkpoint_id === id;
  return { opened: isSound ? { json: () => file.state } : null, damage: opened.damage };
}

/** The newest but damaged is passed over. */
export function openNext(states: StateDatabase, checkpoint: CheckpointInfo, at: EpochMs): Tried {
  const opened = openChecked(states, checkpoint, at);
  return 'damage' in opened ? { opened: null, damage: opened.damage } : { opened, damage: null };
}

import type { CheckpointId } from '../model/index.ts';
import type { Jobs } from './protocol.ts';
import { findFile } from './read.ts';
import { Refusal } from './refusal.ts';
import type { StateDatabase } from './state-database.ts';
import type { ResumeWish } from './state-store.ts';

/**
 * Where components continue from until they save again, all in one transaction. One of which there is only a file is
 * stored with it: of what journal it is, nobody knows, so none is replayed on it.
 * @throws Refusal CHECKPOINT_NOT_FOUND, CHECKPOINT_CORRUPTED
 */
export function resumeFrom(states: StateDatabase, ask: Jobs['resumeFrom']['ask']): void {
  orForget(states, () => states.resumes.set(ask, (wish) => prepare(states, wish)));
}

/** Nothing comes of it: it continues from where it would have. */
export function resumeDropped(states: StateDatabase, ask: Jobs['resumeDropped']['ask']): void {
  orForget(states, () => states.resumes.drop(ask, (adopted) => states.disown(ask.component, adopted)));
}

/** @throws Refusal CHECKPOINT_NOT_FOUND, CHECKPOINT_CORRUPTED */
function prepare(states: StateDatabase, wish: ResumeWish): { wish: ResumeWish; adopted: CheckpointId | null } {
  const { component, checkpoint_id: id } = wish;
  if (id === null) return { wish, adopted: null };
  const known = states.checkpoints.one(id);
  const file = known ? null : findFile(states, id);
  if ((known ?? file)?.component !== component)
    throw new Refusal({ code: 'CHECKPOINT_NOT_FOUND', parameters: { checkpoint: id } });
  if (!file) return { wish, adopted: null };
  // What is in memory only is older than what is newest from now on.
  states.storeHeld(component);
  states.adopt(file);
  return { wish: { ...wish, journal: false }, adopted: id };
}

/** What a transaction has left in memory that failed is not what is there. */
function orForget(states: StateDatabase, change: () => void): void {
  try {
    change();
  } catch (error) {
    states.forget();
    throw error;
  }
}

import type { CheckpointId, ComponentName } from '../model/index.ts';
import type { Jobs } from './protocol.ts';
import { findFile } from './read.ts';
import { Refusal } from './refusal.ts';
import type { StateDatabase } from './state-database.ts';
import type { ResumeWish } from './state-store.ts';

/**
 * Where components continue from until they save again, all in one transaction. One of which there is only a file is
 * stored: of what journal it is, nobody knows, so none is replayed on it.
 * @throws Refusal CHECKPOINT_NOT_FOUND, CHECKPOINT_CORRUPTED
 */
export function resumeFrom(states: StateDatabase, { points, ...ask }: Jobs['resumeFrom']['ask']): void {
  try {
    const wishes = points.map((wish) => adoptFor(states, wish));
    states.resumes.set({ points: wishes, ...ask });
  } catch (error) {
    for (const { component } of points) states.disown(component);
    throw error;
  }
}

/** Nothing comes of it: it continues from where it would have. */
export function resumeDropped(states: StateDatabase, { component }: Jobs['resumeDropped']['ask']): void {
  states.resumes.drop(component);
  states.disown(component);
}

/** @throws Refusal CHECKPOINT_NOT_FOUND, CHECKPOINT_CORRUPTED */
function adoptFor(states: StateDatabase, wish: ResumeWish): ResumeWish {
  const { component, checkpoint_id: id } = wish;
  if (id === null) return wish;
  const adopted = adopt(states, component, id);
  if (states.checkpoints.one(id)?.component !== component)
    throw new Refusal({ code: 'CHECKPOINT_NOT_FOUND', parameters: { checkpoint: id } });
  return adopted ? { ...wish, journal: false } : wish;
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

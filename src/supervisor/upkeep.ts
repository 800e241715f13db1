import { epochMs } from '../model/index.ts';
import type { House } from './house.ts';

/** Old events go in slices, so that the loop is not held up. */
const PRUNE_SLICE = 2_000;
const PRUNE_PAUSE_MS = 100;
/**
 * Events of one type that are kept of each component, however often a fact repeats: more than a timeline shows, than
 * budgets count, than an outbox has yet to send. At 100 starts a second, 2.7 KB each, a week would be 160 GB.
 */
const MOST_OF_A_KIND = 10_000;

/** What is older than anybody may ask for goes: events (after `memoryMs`, and of those that repeat all but the newest), resolved incidents. */
export async function upkeep(house: House, memoryMs: number): Promise<void> {
  const { store, clock, loaded } = house;
  while (store.prune(epochMs(clock.now() - memoryMs), PRUNE_SLICE) === PRUNE_SLICE) await clock.sleep(PRUNE_PAUSE_MS);
  while (store.thin(MOST_OF_A_KIND, PRUNE_SLICE) === PRUNE_SLICE) await clock.sleep(PRUNE_PAUSE_MS);
  store.pruneIncidents(epochMs(clock.now() - loaded.config.incidents.retention));
}

/** Deletes the checkpoints that the retention does not keep. @returns how many went. */
export const pruneStates = ({ state, roster }: Pick<House, 'state' | 'roster'>): Promise<number> =>
  state.prune(new Map([...roster].map((keeper) => [keeper.name, keeper.config.state])));

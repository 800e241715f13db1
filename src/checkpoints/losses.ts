import type { ComponentName } from '../model/index.ts';
import type { Mark, Slot } from './high-water.ts';
import type { Loss } from './state-store.ts';

/** What the database holds of a component: the newest of each. */
export type Held = Mark;

/** What was stored, as far as the high-water marks know, and is not there any more. Pure. */
export function lossesOf(slots: ReadonlyMap<ComponentName, Slot>, heldOf: (component: ComponentName) => Held): Loss[] {
  return [...slots].flatMap(([component, { held: expected }]) => {
    const held = heldOf(component);
    const sequences = held.sequence < expected.sequence ? ([held.sequence + 1, expected.sequence] as const) : null;
    const entries = held.entry < expected.entry ? { after: held.entry, before: expected.entry + 1 } : null;
    return sequences || entries ? [{ component, sequences, entries }] : [];
  });
}

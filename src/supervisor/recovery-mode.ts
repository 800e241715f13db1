import type { EventType, Listener } from '../model/index.ts';
import type { House } from './house.ts';
import { isWantedFirst } from './keepers.ts';
import { isUp } from './state.ts';

/** After any of these another component may be up, or no longer be waited for. */
const telling: ReadonlySet<EventType> = new Set<EventType>([
  'component.ready',
  'component.failed',
  'component.held',
  'component.removed',
  'restart.decided',
  'config.reloaded',
]);

/** Recovery mode: the others may start once all that is needed most is up, or nobody brings it up any more. */
export function createRecoveryMode(house: House): { readonly look: () => void; readonly hear: Listener } {
  const look = (): void => {
    if (!house.minimalFirst) return;
    const first = [...house.roster].filter((keeper) => isWantedFirst(house, keeper));
    house.minimalFirst = !first.every(({ name }) => isUp(house.bus.record(name).state));
    if (!house.minimalFirst) for (const keeper of house.roster) keeper.recheck();
  };
  return {
    look,
    hear({ type }) {
      if (telling.has(type)) look();
    },
  };
}

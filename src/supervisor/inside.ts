import type { Inside } from '../drivers/index.ts';
import type { Commands } from './commands.ts';
import type { Roster } from './roster.ts';

/** How the driver of logical components reaches them: over the line that their parent's process holds for each. */
export function createInside(house: () => { readonly roster: Roster; readonly commands: Commands }): Inside {
  return {
    parent(name) {
      const life = house().roster.find(name)?.life;
      if (!life?.running || life.ending) return null;
      return { incarnation: life.incarnation, adopted: life.running.adopted };
    },
    hears: (component, order) => house().commands.hears(component, order),
    order(component, order, timeoutMs) {
      const data = order === 'shutdown' ? { why: 'it is to stop', deadline_ms: timeoutMs } : {};
      return house().commands.order(component, order, data, timeoutMs);
    },
  };
}

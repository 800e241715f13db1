import type { Inside } from '../drivers/index.ts';
import type { CommandKind, ComponentName } from '../model/index.ts';
import type { House } from './house.ts';

/** How logical components are reached: over the line that their parent's process holds for each. */
export interface Insiders extends Inside {
  /** A component begins to listen. One that came up with its parent and is not meant to run is told to stop. */
  heard(component: ComponentName, kinds: ReadonlySet<CommandKind>): void;
}

export interface InsidersDeps {
  /** There once everything is open. */
  readonly house: () => Pick<House, 'roster' | 'bus' | 'commands'>;
  readonly onProblem: (what: string, error: unknown) => void;
}

export function createInsiders({ house, onProblem }: InsidersDeps): Insiders {
  /** The life of its parent in which each was told to stop, and to begin no more. */
  const silenced = new Map<ComponentName, string>();

  const lifeOf = (name: string) => {
    const life = house().roster.find(name)?.life;
    return life?.running && !life.ending ? { life, running: life.running } : null;
  };
  const parentOf = (component: ComponentName) => lifeOf(house().roster.find(component)?.config.parent?.name ?? '');

  const insiders: Insiders = {
    parent(name) {
      const found = lifeOf(name);
      return found && { incarnation: found.life.incarnation, adopted: found.running.adopted };
    },
    hears: (component, order) => house().commands.hears(component, order),
    wasStopped: (component, incarnation) => silenced.get(component) === incarnation,
    async order(component, order, timeoutMs) {
      const incarnation = parentOf(component)?.life.incarnation;
      if (order === 'shutdown' && incarnation !== undefined) silenced.set(component, incarnation);
      const data = order === 'shutdown' ? { why: 'it is to stop', deadline_ms: timeoutMs } : {};
      await house().commands.order(component, order, data, timeoutMs);
      if (order === 'restart') silenced.delete(component);
    },
    heard(component, kinds) {
      const keeper = house().roster.find(component);
      const parent = parentOf(component);
      if (!keeper || !parent || keeper.life || !kinds.has('shutdown')) return;
      const { held, state } = house().bus.record(component);
      const isMeant = keeper.config.enabled && !held && state.is !== 'failed';
      if (isMeant || silenced.get(component) === parent.life.incarnation) return;
      insiders
        .order(component, 'shutdown', keeper.config.stop.timeout)
        .catch((error: unknown) => onProblem(`"${component}" runs inside its parent, but is not meant to`, error));
    },
  };
  return insiders;
}

import type { DegradationLevel, EpochMs, EventOf, EventType, LevelPin, RecoveryEvent } from '../model/index.ts';

/** What is looked for of earlier daemons. */
export const degradationEvents = [
  'degradation.level_changed',
  'degradation.pinned',
  'degradation.unpinned',
  'degradation.feature_changed',
  'degradation.command_finished',
] as const satisfies readonly EventType[];

/** Who holds the level: a person, and whatever else has asked for less. */
export type Pins = Readonly<Record<'person' | 'alert', LevelPin | null>>;

/** What the daemons before this one have left. */
export interface Left {
  /** null: the level was never another than full. */
  readonly last: EventOf<'degradation.level_changed'> | null;
  readonly pins: Pins;
  /** Features that were off. */
  readonly off: ReadonlyMap<string, string | null>;
}

export const holderOf = ({ trigger }: Pick<LevelPin, 'trigger'>): keyof Pins =>
  trigger === 'manual' ? 'person' : 'alert';

/** Reads what was stated, oldest first. Pins whose time has passed meanwhile are still among it. */
export function restore(past: readonly RecoveryEvent[]): Left {
  let last: Left['last'] = null;
  let pins: Pins = { person: null, alert: null };
  const off = new Map<string, string | null>();
  for (const event of past) {
    if (event.type === 'degradation.level_changed') last = event;
    else if (event.type === 'degradation.pinned') {
      const { level, trigger, since, until } = event;
      pins = { ...pins, [holderOf(event)]: { level, trigger, since, until } };
    } else if (event.type === 'degradation.unpinned') pins = { ...pins, [holderOf(event)]: null };
    else if (event.type === 'degradation.feature_changed') {
      if (event.enabled) off.delete(event.feature);
      else off.set(event.feature, event.reason);
    }
  }
  return { last, pins, off };
}

export const isOver = ({ until }: LevelPin, now: EpochMs): boolean => until !== null && until <= now;

/** The level of the readings that was in force; after a pin nothing is known of it. */
export const policyLevelOf = ({ last }: Left): DegradationLevel => (last?.trigger === 'policy' ? last.to : 'full');

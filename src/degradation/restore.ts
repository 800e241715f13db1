import type { DegradationRecord, EventType, RecoveryEvent } from '../model/index.ts';

/** What is looked for of earlier daemons. */
export const degradationEvents = [
  'degradation.recorded',
  'degradation.feature_changed',
  'degradation.command_finished',
] as const satisfies readonly EventType[];

/** What the daemons before this one have left. */
export interface Left {
  /** null: the level was never another than full. */
  readonly record: DegradationRecord | null;
  /** Features that were off: those of components are switched without a record. */
  readonly off: ReadonlySet<string>;
}

/** Reads what was stated, oldest first. Pins whose time has passed meanwhile are still among it. */
export function restore(past: readonly RecoveryEvent[]): Left {
  let record: DegradationRecord | null = null;
  let off = new Set<string>();
  for (const event of past) {
    if (event.type === 'degradation.recorded') {
      record = event;
      off = new Set(event.off);
    } else if (event.type === 'degradation.feature_changed') {
      if (event.enabled) off.delete(event.feature);
      else off.add(event.feature);
    }
  }
  return { record, off };
}

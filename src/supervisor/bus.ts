import type { ComponentName, ComponentRecord, Emit, Incident, Listener, RecoveryEvent } from '../model/index.ts';
import type { IncidentBook } from '../incidents/index.ts';
import type { EventStore } from '../storage/index.ts';
import { fold, newRecord } from './state.ts';

/**
 * The one way by which a fact gets about: folded and stored first, told second. Listeners hear it when the code that
 * stated it has come to its next await, so that nothing stands between a decision and its execution.
 */
export interface Bus {
  readonly emit: Emit;
  /** What is known of a component now; a fresh record before its first event. */
  record(component: ComponentName): ComponentRecord;
  subscribe(listener: Listener): () => void;
}

export interface BusDeps {
  readonly store: Pick<EventStore, 'append' | 'records'>;
  /** Says which incident each event belongs to, and adds what the events mean for incidents. */
  readonly incidents: Pick<IncidentBook, 'read'>;
  /** Adds what is stored in the same piece, because it follows from what is stated. */
  readonly follow?: (events: readonly RecoveryEvent[]) => readonly RecoveryEvent[];
  /** Reads each event before `emit` returns: what the very next decision depends on. */
  readonly project: (event: RecoveryEvent) => void;
  readonly now: () => RecoveryEvent['at'];
  /** A listener threw, or the store could not write. Neither stops a recovery: supervision goes on from memory. */
  readonly onError: (what: 'listener' | 'store', error: unknown) => void;
}

export function createBus({ store, incidents, follow = (events) => events, project, now, onError }: BusDeps): Bus {
  const records = new Map(store.records().map((record) => [record.component, record]));
  const listeners = new Set<Listener>();

  const record = (component: ComponentName): ComponentRecord => records.get(component) ?? newRecord(component, now());

  /** Folds the events in and tells which records have changed. */
  const foldIn = (events: readonly RecoveryEvent[]): ComponentRecord[] => {
    const changed = new Set<ComponentName>();
    for (const event of events) {
      if (!('component' in event)) continue;
      const before = record(event.component);
      const after = fold(before, event);
      if (event.type === 'component.removed') records.delete(event.component);
      else if (after !== before) {
        records.set(event.component, after);
        changed.add(event.component);
      }
    }
    return [...changed].flatMap((component) => records.get(component) ?? []);
  };

  const append = (
    events: readonly RecoveryEvent[],
    changed: readonly ComponentRecord[],
    changedIncidents: readonly Incident[],
  ): readonly (number | null)[] => {
    try {
      return store.append(events, changed, changedIncidents);
    } catch (error) {
      onError('store', error);
      return [];
    }
  };

  const untold: { event: RecoveryEvent; seq: number | null }[] = [];

  const tellAll = (): void => {
    for (let next = untold.shift(); next; next = untold.shift()) {
      const { event, seq } = next;
      listeners.forEach((tell) => {
        try {
          tell(event, seq);
        } catch (error) {
          onError('listener', error);
        }
      });
    }
  };

  return {
    record,
    emit(...stated) {
      const { events, changed } = incidents.read(follow(stated));
      const seqs = append(events, foldIn(events), changed);
      if (untold.length === 0) queueMicrotask(tellAll);
      events.forEach((event, index) => {
        project(event);
        untold.push({ event, seq: seqs[index] ?? null });
      });
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

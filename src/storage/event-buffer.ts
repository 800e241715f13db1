import type { ComponentName, ComponentRecord, Incident, IncidentId } from '../model/index.ts';
import type { EventRow } from './event-rows.ts';

/** Most events that wait while nothing can be written (a full disk): about 3 MB. */
export const LARGEST_BUFFER = 10_000;

/**
 * What waits for the next commit: events in their order, the newest record of each component and of each incident, and cursors.
 * A cursor alone causes no commit.
 */
export class EventBuffer {
  #events: EventRow[] = [];
  readonly records = new Map<ComponentName, string>();
  readonly incidents = new Map<IncidentId, Incident>();
  readonly cursors = new Map<string, number>();
  /** Events that were given up since the start because nothing could be written for too long. */
  dropped = 0;

  get events(): readonly EventRow[] {
    return this.#events;
  }

  get isEmpty(): boolean {
    return this.#events.length === 0 && this.records.size === 0 && this.incidents.size === 0;
  }

  add(events: readonly EventRow[], records: readonly ComponentRecord[], incidents: readonly Incident[]): void {
    this.#events.push(...events);
    for (const { type, component } of events)
      if (type === 'component.removed') this.records.delete(component as ComponentName);
    for (const record of records) this.records.set(record.component, JSON.stringify(record));
    for (const incident of incidents) this.incidents.set(incident.id, incident);
    const excess = this.#events.length - LARGEST_BUFFER;
    if (excess <= 0) return;
    this.#events.splice(0, excess);
    this.dropped += excess;
  }

  clear(): void {
    this.#events = [];
    this.records.clear();
    this.incidents.clear();
    this.cursors.clear();
  }
}

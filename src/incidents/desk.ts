import type { Clock } from '../clock.ts';
import { failure } from '../errors.ts';
import { iso } from '../format.ts';
import type { Emit, EpochMs, Incident, RecoveryEvent, Resolver } from '../model/index.ts';
import { resolved } from './react.ts';

export const incidentStates = ['open', 'acknowledged', 'resolved'] as const;
export type IncidentState = (typeof incidentStates)[number];

/** An incident as HTTP and the command line show it: times in ISO 8601, durations in seconds. */
export interface IncidentView {
  /** The trace id of all that belongs to it. */
  readonly incident_id: string;
  readonly component: string;
  readonly breaker: string | null;
  readonly state: IncidentState;
  readonly severity: string;
  readonly category: string;
  readonly title: string;
  readonly description: string;
  readonly signature: string;
  readonly started_at: string;
  readonly opened_at: string;
  readonly acknowledged_at: string | null;
  readonly acknowledged_by: string | null;
  readonly resolved_at: string | null;
  readonly resolved_by: string | null;
  readonly resolution: string | null;
  /** From opened to resolved, or until now. */
  readonly duration_seconds: number;
  readonly repeats: number;
  readonly previous: string | null;
}

export interface IncidentFilter {
  readonly component?: string | undefined;
  /** `open` includes the acknowledged ones. */
  readonly state?: 'open' | 'resolved' | undefined;
  readonly limit: number;
}

/** The part of a store that keeps incidents. */
export interface IncidentShelf {
  incidents(filter: IncidentFilter): Incident[];
  /** By its id or the beginning of it; undefined when there is none, or more than one. */
  incident(idOrPrefix: string): Incident | undefined;
  /** The stored events of one incident, oldest first; those older than the store's memory are gone. */
  timeline(id: Incident['id']): { readonly seq: number; readonly event: RecoveryEvent }[];
}

/** One event of a timeline. */
export interface Told {
  readonly seq: number;
  readonly event: RecoveryEvent;
  /** What it says, for people. */
  readonly message: string;
}

/** Where people ask about incidents. Throws INCIDENT_NOT_FOUND. */
export interface IncidentDesk {
  /** Newest first. */
  list(filter: IncidentFilter): IncidentView[];
  show(idOrPrefix: string): { readonly view: IncidentView; readonly timeline: readonly Told[] };
  /** A person has seen it. One that is acknowledged or resolved already stays as it is. */
  acknowledge(idOrPrefix: string): IncidentView;
  /** A person says that it is over. One that is resolved already stays as it is. */
  resolve(idOrPrefix: string, resolution: string, by?: Resolver): IncidentView;
}

export interface DeskDeps {
  readonly shelf: IncidentShelf;
  readonly clock: Pick<Clock, 'now'>;
  readonly emit: Emit;
  /** An event as a sentence. */
  readonly tell: (event: RecoveryEvent) => string;
}

export function createIncidentDesk({ shelf, clock, emit, tell }: DeskDeps): IncidentDesk {
  const find = (idOrPrefix: string): Incident => {
    const found = shelf.incident(idOrPrefix);
    if (!found) throw failure('INCIDENT_NOT_FOUND', { incident: idOrPrefix });
    return found;
  };
  const view = (incident: Incident): IncidentView => viewOf(incident, clock.now());

  return {
    list: (filter) => shelf.incidents(filter).map(view),
    show(idOrPrefix) {
      const incident = find(idOrPrefix);
      const timeline = shelf.timeline(incident.id).map((stored) => ({ ...stored, message: tell(stored.event) }));
      return { view: view(incident), timeline };
    },
    acknowledge(idOrPrefix) {
      const { id: incident, component, severity, acknowledged, resolved: over, openedAt } = find(idOrPrefix);
      const at = clock.now();
      const afterMs = Math.max(0, at - openedAt);
      if (!acknowledged && !over)
        emit({ type: 'incident.acknowledged', at, component, incident, severity, by: 'person', afterMs });
      return view(find(incident));
    },
    resolve(idOrPrefix, resolution, by = 'person') {
      const incident = find(idOrPrefix);
      if (!incident.resolved) emit(resolved({ at: clock.now() }, incident, by, resolution));
      return view(find(incident.id));
    },
  };
}

function viewOf(incident: Incident, now: EpochMs): IncidentView {
  const { acknowledged, resolved: over, openedAt } = incident;
  return {
    incident_id: incident.id,
    component: incident.component,
    breaker: incident.breaker,
    state: over ? 'resolved' : acknowledged ? 'acknowledged' : 'open',
    severity: incident.severity,
    category: incident.category,
    title: incident.title,
    description: incident.description,
    signature: incident.signature,
    started_at: iso(incident.startedAt),
    opened_at: iso(openedAt),
    acknowledged_at: acknowledged ? iso(acknowledged.at) : null,
    acknowledged_by: acknowledged?.by ?? null,
    resolved_at: over ? iso(over.at) : null,
    resolved_by: over?.by ?? null,
    resolution: over?.resolution ?? null,
    duration_seconds: Math.max(0, (over?.at ?? now) - openedAt) / 1_000,
    repeats: incident.repeats,
    previous: incident.previous,
  };
}

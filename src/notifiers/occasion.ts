import {
  incidentSeverities,
  type ComponentName,
  type EventType,
  type IncidentSeverity,
  type RecoveryEvent,
} from '../model/index.ts';
import type { Occasion } from './schema.ts';

/** The events that somebody may want to hear of. */
export const tellable = [
  'component.crashed',
  'daemon.stalled',
  'component.failed',
  'restart.finished',
  'incident.opened',
  'incident.updated',
  'incident.resolved',
] as const satisfies readonly EventType[];
export type Tellable = Extract<RecoveryEvent, { type: (typeof tellable)[number] }>;

export const isTellable = (event: RecoveryEvent): event is Tellable => tellable.some((type) => type === event.type);

/** What an event must be looked up for. */
export interface Knowledge {
  /** Whether the restarts of a component are told. */
  tellsRestarts(component: ComponentName): boolean;
  /** The worst severity that an incident had before this event; null: it was not open. */
  severityBefore(event: Extract<RecoveryEvent, { type: 'incident.updated' }>): IncidentSeverity | null;
}

const rank = (severity: IncidentSeverity): number => incidentSeverities.indexOf(severity);

/** Whether somebody who wants to hear of these occasions wants to hear of this event. */
export function isWanted(event: Tellable, on: readonly Occasion[], knowledge: Knowledge): boolean {
  const wantsIncident = (severity: IncidentSeverity) =>
    incidentSeverities.some((wanted) => on.includes(`incident.${wanted}`) && rank(severity) >= rank(wanted));
  switch (event.type) {
    case 'component.crashed':
    case 'daemon.stalled':
      return on.includes('crash');
    case 'component.failed':
      return on.includes('failed');
    case 'restart.finished':
      return on.includes('restart') && knowledge.tellsRestarts(event.component);
    case 'incident.opened':
      // Who hears of the crash hears of its incident with it.
      return wantsIncident(event.severity) && !(event.category === 'crash' && on.includes('crash'));
    case 'incident.updated': {
      if (!wantsIncident(event.severity)) return false;
      const before = knowledge.severityBefore(event);
      return before === null || rank(before) < rank(event.severity);
    }
    case 'incident.resolved':
      return on.includes('incident.resolved');
    default:
      return event satisfies never;
  }
}

import {
  HOST,
  isFailure,
  type ComponentName,
  type EpochMs,
  type Incident,
  type IncidentId,
  type RecoveryEvent,
} from '../model/index.ts';
import { fold } from './fold.ts';
import { meansSomething, react } from './react.ts';

export interface BookOptions {
  readonly newId: () => IncidentId;
  /** Time within which a new incident of the same subject names the one before, ms. */
  readonly reopenWithinMs: () => number;
  /** Incidents of the daemons before this one: those that are open, and those resolved a short time ago. */
  readonly known: readonly Incident[];
}

/** What was read, with what follows from it. */
export interface Noted {
  /** The events in their order, each with the id of the incident it belongs to, and those of the incidents themselves. */
  readonly events: readonly RecoveryEvent[];
  readonly changed: readonly Incident[];
}

/** The open incidents: at most one of each component, and one of each breaker. */
export interface IncidentBook {
  /** Reads what is stated in one piece, before it is stored. */
  read(events: readonly RecoveryEvent[]): Noted;
  /** The open incident of a component. */
  of(component: ComponentName): Incident | undefined;
  open(): readonly Incident[];
}

/** Whom an incident is about. A breaker has no component's name: those have no slash. */
const subjectOf = ({ component, breaker }: Pick<Incident, 'component' | 'breaker'>): string =>
  breaker === null ? component : `breaker/${breaker}`;

export function createIncidentBook({ newId, reopenWithinMs, known }: BookOptions): IncidentBook {
  const open = new Map<string, Incident>();
  const closed = new Map<string, { readonly id: IncidentId; readonly at: EpochMs }>();
  const failingSince = new Map<string, EpochMs>();

  const keep = (incident: Incident): void => {
    const subject = subjectOf(incident);
    if (!incident.resolved) open.set(subject, incident);
    else {
      open.delete(subject);
      closed.set(subject, { id: incident.id, at: incident.resolved.at });
    }
  };
  for (const incident of known.toSorted((a, b) => a.openedAt - b.openedAt)) keep(incident);

  /** The subject that an event speaks of; null: no incident can come of it. */
  const speaksOf = (event: RecoveryEvent): string | null => {
    if (event.type === 'incident.acknowledged' || event.type === 'incident.resolved') {
      const found = [...open].find(([, { id }]) => id === event.incident);
      return found?.[0] ?? null;
    }
    if ('breaker' in event && event.type !== 'incident.opened') return `breaker/${event.breaker}`;
    // What alerts say of strangers is filed under the host, and is not about it.
    const ofStrangers = event.type.startsWith('remediation.') && 'component' in event && event.component === HOST;
    return 'component' in event && !ofStrangers ? event.component : null;
  };

  const previousOf = (subject: string, at: EpochMs): IncidentId | null => {
    const last = closed.get(subject);
    return last && at - last.at <= reopenWithinMs() ? last.id : null;
  };

  /** When each check began to fail: an incident begins with its first bad result, not with the one that trips it. */
  const note = (event: RecoveryEvent): void => {
    if (event.type !== 'check.changed') return;
    const check = `${event.component}/${event.check}`;
    if (!isFailure(event.to)) failingSince.delete(check);
    else if (!isFailure(event.from)) failingSince.set(check, event.at);
  };

  return {
    read(events) {
      const noted: { event: RecoveryEvent; subject: string | null }[] = [];
      const changed = new Map<IncidentId, Incident>();

      const add = (event: RecoveryEvent, subject: string | null, incident: IncidentId | undefined): void => {
        const stamped = incident === undefined || event.incident ? event : { ...event, incident };
        noted.push({ event: stamped, subject });
        const before = subject === null ? undefined : open.get(subject);
        const after = fold(before, stamped);
        if (!after || after === before) return;
        keep(after);
        changed.set(after.id, after);
      };

      for (const event of events) {
        note(event);
        const subject = speaksOf(event);
        const before = subject === null ? undefined : open.get(subject);
        // Nearly all: what is measured, and what goes well.
        if (subject === null || (!before && !meansSomething(event))) {
          add(event, subject, undefined);
          continue;
        }
        const reactions = react(event, before, {
          newId,
          batch: events,
          failingSince: ({ component, check }) => failingSince.get(`${component}/${check}`),
          previous: previousOf(subject, event.at),
        });
        const opened = reactions.find(({ type }) => type === 'incident.opened')?.incident;
        // What led to it was stated in the same breath and belongs to it.
        if (opened)
          for (const entry of noted)
            if (entry.subject === subject && !entry.event.incident) entry.event = { ...entry.event, incident: opened };
        // The incident is there before the event that begins its recovery is folded into it.
        for (const reaction of reactions) if (reaction.type === 'incident.opened') add(reaction, subject, undefined);
        add(event, subject, opened ?? before?.id);
        for (const reaction of reactions) if (reaction.type !== 'incident.opened') add(reaction, subject, undefined);
      }
      return { events: noted.map(({ event }) => event), changed: [...changed.values()] };
    },
    of: (component) => open.get(component),
    open: () => [...open.values()],
  };
}

import type {
  EpochMs,
  EventOf,
  EventType,
  Incident,
  IncidentEvent,
  IncidentId,
  RecoveryEvent,
  Resolver,
} from '../model/index.ts';
import {
  isOfUnkillable,
  isOurDoing,
  ofAlert,
  ofCheck,
  ofCrash,
  ofFailedStart,
  ofFailure,
  ofLateStart,
  ofOpenBreaker,
  ofRecovery,
  ofUnkillable,
  severityOfRecovery,
  worse,
  type Fault,
} from './faults.ts';

/** All that a reaction depends on, besides the event and the open incident of its subject. */
export interface Surroundings {
  readonly newId: () => IncidentId;
  /** What is stated in one piece with the event. */
  readonly batch: readonly RecoveryEvent[];
  /** When a check of a component began to fail; undefined: it is not known to fail. */
  readonly failingSince: (event: EventOf<'check.tripped'>) => EpochMs | undefined;
  /** The last incident of the same subject, when it was resolved only a short time ago. */
  readonly previous: IncidentId | null;
}

type Subject = Extract<RecoveryEvent, { component: unknown }> | EventOf<'breaker.transitioned'>;

type Reaction<T extends EventType> = (
  event: EventOf<T>,
  open: Incident | undefined,
  around: Surroundings,
) => IncidentEvent[];

/** What each event means for the incident of its subject; those that are not here mean nothing to it. */
const reactions: { readonly [T in EventType]?: Reaction<T> } = {
  'component.crashed': (event, open, around) =>
    isWelcome(event.component, around.batch) ? [] : fault(event, open, around, ofCrash(event), isOurDoing(event)),

  'component.start_failed': (event, open, around) => fault(event, open, around, ofFailedStart(event)),
  'component.unkillable': (event, open, around) => fault(event, open, around, ofUnkillable(event), true),
  'component.stopped': (event, open) =>
    idle(open) && isOfUnkillable(open) && event.next === 'stop'
      ? [resolved(event, open, 'itself', 'it has gone at last')]
      : [],
  'component.start_timed_out': (event, open, around) => fault(event, open, around, ofLateStart(event)),
  'check.tripped': (event, open, around) =>
    fault(event, open, around, ofCheck(event, around.failingSince(event)), true),
  'component.failed': (event, open, around) => fault(event, open, around, ofFailure(event), true),
  'breaker.transitioned': ofBreaker,
  'recovery.started': begun,

  'remediation.decided': (event, open, around) => {
    const { decision, action } = event;
    const heals = decision === 'execute' && (action === 'restart' || action === 'start');
    if (!heals || open) return [];
    return fault(event, open, around, ofAlert(event));
  },

  // An action that needed no recovery, or that came to nothing: what its alert knew of is over with it.
  'remediation.finished': (event, open) =>
    idle(open) && open.signature.startsWith('alert:') && (event.outcome === 'success' || event.outcome === 'cancelled')
      ? [resolved(event, open, 'itself', event.message)]
      : [],

  'recovery.finished': (event, open, around) => {
    if (!open) return [];
    if (event.outcome === 'recovered') return [resolved(event, open, 'recovery', 'verified healthy')];
    return event.outcome === 'aborted' && isWelcome(event.component, around.batch)
      ? [resolved(event, open, 'itself', 'it ended as it may')]
      : [];
  },

  'restart.decided': (event, open) =>
    idle(open) && isWelcome(event.component, [event]) ? [resolved(event, open, 'itself', 'it ended as it may')] : [],

  'component.ready': (event, open) => (idle(open) ? [resolved(event, open, 'itself', 'it runs and is well')] : []),

  'component.health_changed': (event, open) =>
    idle(open) && open.category !== 'crash' && event.to === 'healthy'
      ? [resolved(event, open, 'itself', 'its checks pass again')]
      : [],

  'component.held': (event, open) =>
    open ? [resolved(event, open, event.by === 'person' ? 'person' : 'itself', 'it was stopped on request')] : [],

  'component.removed': (event, open) => (open ? [resolved(event, open, 'itself', 'it is no longer configured')] : []),
};

/** False: it means nothing, whatever is open. */
export const meansSomething = ({ type }: RecoveryEvent): boolean => reactions[type] !== undefined;

/**
 * What one event means for the incident of its subject: nothing, that one is opened, or that the open one changes.
 * Pure but for the new id.
 */
export const react = (event: RecoveryEvent, open: Incident | undefined, around: Surroundings): IncidentEvent[] =>
  (reactions[event.type] as Reaction<EventType> | undefined)?.(event, open, around) ?? [];

/** It is open, and no recovery is under way that will end it. */
const idle = (open: Incident | undefined): open is Incident => open !== undefined && open.recovering === null;

/** An end that nobody asked for, and that the configuration calls a good one. */
const isWelcome = (component: string, batch: readonly RecoveryEvent[]): boolean =>
  batch.some(
    (event) =>
      event.type === 'restart.decided' &&
      event.component === component &&
      event.decision.kind === 'stay' &&
      event.decision.rule === 'exit_codes',
  );

/** @param same it tells more of the fault that is known already: it may be worse, but it has not come again. */
function fault(
  event: Subject,
  open: Incident | undefined,
  { newId, previous }: Surroundings,
  { startedAt, ...about }: Fault,
  same = false,
): IncidentEvent[] {
  const { at } = event;
  if (!open) {
    const breaker = 'breaker' in event ? event.breaker : null;
    const facts = { breaker, previous, startedAt: startedAt ?? at, ...about };
    return [{ type: 'incident.opened', at, component: componentOf(event), incident: newId(), ...facts }];
  }
  const severity = worse(open.severity, about.severity);
  const repeats = open.repeats + (same ? 0 : 1);
  if (severity === open.severity && repeats === open.repeats) return [];
  const { id: incident, component } = open;
  return [{ type: 'incident.updated', at, component, incident, severity, repeats, why: about.title }];
}

const componentOf = (event: Subject) =>
  'component' in event ? event.component : (event.caller ?? ('host' as Incident['component']));

function begun(event: EventOf<'recovery.started'>, open: Incident | undefined, around: Surroundings): IncidentEvent[] {
  const { at, component, reason } = event;
  const opened = open ? [] : fault(event, undefined, around, ofRecovery(event));
  if (open?.acknowledged) return [];
  const [first] = opened;
  const id = open?.id ?? first?.incident;
  const severity = open?.severity ?? severityOfRecovery[reason];
  if (id === undefined) return [];
  const afterMs = Math.max(0, at - (open?.openedAt ?? at));
  return [...opened, { type: 'incident.acknowledged', at, component, incident: id, severity, by: 'recovery', afterMs }];
}

/** Only what our policy decided is an incident: a breaker that a person forces open is meant to be open. */
function ofBreaker(
  event: EventOf<'breaker.transitioned'>,
  open: Incident | undefined,
  around: Surroundings,
): IncidentEvent[] {
  const { to, trigger, reason } = event;
  if (to === 'open' && trigger === 'policy') return fault(event, open, around, ofOpenBreaker(event));
  if (!open || to === 'open' || to === 'half_open') return [];
  return [resolved(event, open, trigger === 'manual' ? 'person' : 'itself', `the breaker is ${to}: ${reason}`)];
}

export function resolved(
  { at }: { readonly at: EpochMs },
  { id: incident, component, severity, openedAt }: Incident,
  by: Resolver,
  resolution: string,
): EventOf<'incident.resolved'> {
  const durationMs = Math.max(0, at - openedAt);
  return { type: 'incident.resolved', at, component, incident, severity, by, resolution, durationMs };
}

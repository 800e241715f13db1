import {
  incidentSeverities,
  type EpochMs,
  type EventOf,
  type EventType,
  type Exit,
  type Incident,
  type IncidentCategory,
  type IncidentEvent,
  type IncidentId,
  type IncidentSeverity,
  type RecoveryEvent,
  type Resolver,
  type StartReason,
} from '../model/index.ts';

/** All that a reaction depends on, besides the event and the open incident of its subject. */
export interface Surroundings {
  readonly newId: () => IncidentId;
  /** What is stated in one piece with the event. */
  readonly batch: readonly RecoveryEvent[];
  /** A person keeps the component down. */
  readonly held: boolean;
  /** When a check of a component began to fail; undefined: it is not known to fail. */
  readonly failingSince: (event: EventOf<'check.tripped'>) => EpochMs | undefined;
  /** The last incident of the same subject, when it was resolved only a short time ago. */
  readonly previous: IncidentId | null;
}

/** What a fault is, before it has become an incident. */
interface Fault {
  readonly severity: IncidentSeverity;
  readonly category: IncidentCategory;
  readonly title: string;
  readonly description: string;
  readonly signature: string;
  readonly startedAt?: EpochMs | undefined;
}

type Subject = Extract<RecoveryEvent, { component: unknown }> | EventOf<'breaker.transitioned'>;

const rank = (severity: IncidentSeverity): number => incidentSeverities.indexOf(severity);
const worse = (a: IncidentSeverity, b: IncidentSeverity): IncidentSeverity => (rank(a) >= rank(b) ? a : b);

/** A recovery that no fault has begun: somebody asked for it, or a dependency pulled it along. */
const severityOfRecovery: Readonly<Record<StartReason, IncidentSeverity>> = {
  boot: 'info',
  reload: 'info',
  manual: 'info',
  chaos: 'info',
  dependency: 'low',
  alert: 'medium',
  health: 'high',
  hang: 'high',
  crash: 'critical',
};

/** Ends that we have made ourselves because a check had failed: the same fault, seen a second time. */
const ofOurMaking: ReadonlySet<string> = new Set(['deadlock', 'infinite_loop', 'watchdog_timeout']);

type Reaction<T extends EventType> = (
  event: EventOf<T>,
  open: Incident | undefined,
  around: Surroundings,
) => IncidentEvent[];

/** What each event means for the incident of its subject; those that are not here mean nothing to it. */
const reactions: { readonly [T in EventType]?: Reaction<T> } = {
  'component.crashed': (event, open, around) =>
    isWelcome(event.component, around.batch)
      ? []
      : fault(event, open, around, ofCrash(event), ofOurMaking.has(event.crashType)),

  'component.start_failed': (event, open, around) =>
    fault(event, open, around, {
      severity: 'high',
      category: 'error',
      title: `${event.component} could not be started`,
      description: event.why,
      signature: 'start_failed',
    }),

  'component.start_timed_out': (event, open, around) =>
    fault(event, open, around, {
      severity: 'high',
      category: 'health',
      title: `${event.component} was not ready in time`,
      description: `still waiting for ${event.waitingFor.join(', ')}`,
      signature: 'start_timed_out',
    }),

  'check.tripped': (event, open, around) => fault(event, open, around, ofCheck(event, around), true),
  'component.failed': (event, open, around) => fault(event, open, around, ofFailure(event), true),
  'breaker.transitioned': ofBreaker,
  'recovery.started': begun,

  'remediation.decided': (event, open, around) => {
    const { component, decision, action, alert } = event;
    const heals = decision === 'execute' && (action === 'restart' || action === 'start');
    if (!heals || open) return [];
    return fault(event, open, around, {
      severity: 'medium',
      category: 'recovery',
      title: `alert ${alert.name} asked for ${action} of ${component}`,
      description: '',
      signature: `alert:${alert.name}`,
      startedAt: earlier(alert.startsAt, event.at),
    });
  },

  'recovery.finished': (event, open, around) => {
    if (!open) return [];
    if (event.outcome === 'recovered') return [resolved(event, open, 'recovery', 'verified healthy')];
    if (event.outcome !== 'aborted') return [];
    if (around.held) return [resolved(event, open, 'person', 'it was stopped by a person')];
    return isWelcome(event.component, around.batch) ? [resolved(event, open, 'itself', 'it ended as it may')] : [];
  },

  'restart.decided': (event, open) =>
    idle(open) && isWelcome(event.component, [event]) ? [resolved(event, open, 'itself', 'it ended as it may')] : [],

  'component.ready': (event, open) => (idle(open) ? [resolved(event, open, 'itself', 'it runs and is well')] : []),

  'component.health_changed': (event, open) =>
    idle(open) && open.category === 'health' && event.to === 'healthy'
      ? [resolved(event, open, 'itself', 'its checks pass again')]
      : [],

  'component.held': (event, open) =>
    idle(open) ? [resolved(event, open, event.by === 'person' ? 'person' : 'itself', 'it was stopped on request')] : [],

  'component.removed': (event, open) => (open ? [resolved(event, open, 'itself', 'it is no longer configured')] : []),
};

/**
 * What one event means for the incident of its subject: nothing, that one is opened, or that the open one changes.
 * Pure but for the new id.
 */
export const react = (event: RecoveryEvent, open: Incident | undefined, around: Surroundings): IncidentEvent[] =>
  (reactions[event.type] as Reaction<EventType> | undefined)?.(event, open, around) ?? [];

const earlier = (a: EpochMs, b: EpochMs): EpochMs => (a < b ? a : b);

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

const ofCrash = ({ component, crashType, errorType, exit, signature }: EventOf<'component.crashed'>): Fault => ({
  severity: 'critical',
  category: 'crash',
  title: `${component} crashed: ${crashType}`,
  description: errorType === exitText(exit) ? errorType : `${errorType}, ${exitText(exit)}`,
  signature,
});

const exitText = ({ code, signal }: Exit): string => signal ?? (code === null ? 'exit unknown' : `exit code ${code}`);

const ofCheck = (event: EventOf<'check.tripped'>, { failingSince }: Surroundings): Fault => ({
  severity: event.outcome === 'critical' ? 'critical' : 'high',
  category: 'health',
  title: `check ${event.check} of ${event.component} failed`,
  description: event.message,
  signature: `check:${event.check}`,
  startedAt: failingSince(event),
});

const ofFailure = ({ component, rule, why }: EventOf<'component.failed'>): Fault => ({
  severity: 'critical',
  category: 'recovery',
  title: `${component} has failed and stays down`,
  description: why,
  signature: `failed:${rule}`,
});

function begun(event: EventOf<'recovery.started'>, open: Incident | undefined, around: Surroundings): IncidentEvent[] {
  const { at, component, reason } = event;
  const opened = open
    ? []
    : fault(event, undefined, around, {
        severity: severityOfRecovery[reason],
        category: 'recovery',
        title: `${component} is being restarted (${reason})`,
        description: '',
        signature: `recovery:${reason}`,
        startedAt: event.detectedAt,
      });
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
  const { breaker, to, trigger, reason } = event;
  if (to === 'open' && trigger === 'policy')
    return fault(event, open, around, {
      severity: 'medium',
      category: 'recovery',
      title: `circuit breaker ${breaker} opened`,
      description: reason,
      signature: `breaker:${breaker}`,
      startedAt: event.firstFailureAt ?? undefined,
    });
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

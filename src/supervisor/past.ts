import {
  epochMs,
  type ComponentName,
  type EpochMs,
  type EventOf,
  type EventType,
  type Incident,
  type RecoveryEvent,
} from '../model/index.ts';
import { degradationEvents } from '../degradation/index.ts';
import type { EventStore } from '../storage/index.ts';

/** How long events are kept, and so how long a budget's window can reach. */
export const MEMORY_MS = 7 * 24 * 3_600_000;

/** What must be known of earlier daemons. */
export interface Past {
  /** Restarts that were decided, what led to them, and slates that were wiped, oldest first. */
  readonly decisions: readonly RecoveryEvent[];
  /** How breakers changed, oldest first. */
  readonly transitions: readonly EventOf<'breaker.transitioned'>[];
  /** What was given up, and who asked for it, oldest first. */
  readonly degradation: readonly RecoveryEvent[];
  /** The daemon before this one was stopped together with its components: everything starts afresh. */
  readonly clean: boolean;
  /** What jobs have told of themselves, oldest first. */
  readonly pings: readonly EventOf<'ping.received'>[];
  /** Incidents that are open, and the last ones that were resolved. */
  readonly incidents: readonly Incident[];
  /** What alerts have asked for, and what became of it, oldest first. */
  readonly remediations: readonly RecoveryEvent[];
  /** When the whole system was restarted, oldest first. */
  readonly systemRestarts: readonly RecoveryEvent[];
  /** When daemons started, and what their experiments did, oldest first. */
  readonly experiments: readonly RecoveryEvent[];
}

/** Far more than there can be components and breakers. */
const MOST_INCIDENTS = 10_000;
const LAST_INCIDENTS = 1_000;

export const noPast: Past = {
  decisions: [],
  transitions: [],
  degradation: [],
  pings: [],
  clean: false,
  incidents: [],
  remediations: [],
  systemRestarts: [],
  experiments: [],
};

const decisive: readonly EventType[] = [
  'component.starting',
  'component.crashed',
  'checkpoint.restored',
  'restart.decided',
  'component.released',
  'component.removed',
  'system.recovered',
];

export function readPast(store: EventStore, now: EpochMs): Past {
  const stopped = store.lastOf('daemon.stopped');
  const begun = epochMs(now - MEMORY_MS);
  return {
    decisions: store.since(decisive, begun),
    transitions: store.since(['breaker.transitioned'], begun).filter((event) => event.type === 'breaker.transitioned'),
    // All that is stored: how it stands is recorded once a day, by a daemon that runs.
    degradation: store.since(degradationEvents, epochMs(0)),
    pings: store.since(['ping.received'], begun).filter((event) => event.type === 'ping.received'),
    clean: stopped !== undefined && !stopped.keptComponents && stopped.at >= (store.lastOf('daemon.started')?.at ?? 0),
    remediations: store.since(['remediation.decided', 'remediation.finished'], begun),
    incidents: [
      ...store.incidents({ state: 'open', limit: MOST_INCIDENTS }),
      ...store.incidents({ state: 'resolved', limit: LAST_INCIDENTS }),
    ],
    systemRestarts: store.since(['system.restarting', 'system.restarted'], begun),
    experiments: store.since(['daemon.started', 'experiment.started', 'experiment.finished'], begun),
  };
}

/** What was decided last of a component. */
export const lastDecision = (past: Past, component: ComponentName): EventOf<'restart.decided'> | undefined =>
  past.decisions.findLast(
    (event): event is EventOf<'restart.decided'> => event.type === 'restart.decided' && event.component === component,
  );

import { epochMs, type ComponentName, type EpochMs, type EventOf, type RecoveryEvent } from '../model/index.ts';
import type { EventStore } from '../storage/index.ts';

/** How long events are kept, and so how long a budget's window can reach. */
export const MEMORY_MS = 7 * 24 * 3_600_000;

/** What must be known of earlier daemons. */
export interface Past {
  /** Restarts that were decided, and slates that were wiped, oldest first. */
  readonly decisions: readonly RecoveryEvent[];
  /** How breakers changed, oldest first. */
  readonly transitions: readonly EventOf<'breaker.transitioned'>[];
  /** The daemon before this one was stopped together with its components: everything starts afresh. */
  readonly clean: boolean;
}

export const noPast: Past = { decisions: [], transitions: [], clean: false };

export function readPast(store: EventStore, now: EpochMs): Past {
  const stopped = store.lastOf('daemon.stopped');
  return {
    decisions: store.since(['restart.decided', 'component.released'], epochMs(now - MEMORY_MS)),
    transitions: store
      .since(['breaker.transitioned'], epochMs(now - MEMORY_MS))
      .filter((event) => event.type === 'breaker.transitioned'),
    clean: stopped !== undefined && !stopped.keptComponents && stopped.at >= (store.lastOf('daemon.started')?.at ?? 0),
  };
}

/** What was decided last of a component. */
export const lastDecision = (past: Past, component: ComponentName): EventOf<'restart.decided'> | undefined =>
  past.decisions.findLast(
    (event): event is EventOf<'restart.decided'> => event.type === 'restart.decided' && event.component === component,
  );

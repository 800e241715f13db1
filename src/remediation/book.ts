import type { ComponentName, EpochMs, EventOf, RecoveryEvent, RemediationId } from '../model/index.ts';
import { keyOf } from './alert.ts';

export type Decided = EventOf<'remediation.decided'>;

/** What was decided and done, as far as it matters for the next decision: a fold of the stored events. */
export interface RemediationBook {
  /** Reads one event, live or from the store, in their order. */
  read(event: RecoveryEvent): void;
  /** An alert was acted upon under this key. */
  seen(alert: Decided['alert']): boolean;
  /** The same alert, in the same firing, was told to be over. */
  isOver(alert: Decided['alert']): boolean;
  /** The action of an alert that runs on a component now. */
  inFlight(component: ComponentName): Decided | undefined;
  running(): readonly Decided[];
  /** When a rule has acted on a component within `withinMs`, oldest first. */
  executions(rule: number, component: ComponentName, now: EpochMs, withinMs: number): readonly EpochMs[];
  /** A decision that could not be kept was none: the alert may come again. */
  forget(decided: Decided): void;
}

/** Longer than any Alertmanager repeats an alert that it has not seen end. */
const KEPT_MS = 48 * 3_600_000;
/** Refusals leave the key free: the next delivery of the same alert may find the gate open. */
const consumes: ReadonlySet<string> = new Set(['execute', 'dry_run', 'resolved']);

export function createRemediationBook(): RemediationBook {
  const keys = new Map<string, EpochMs>();
  const running = new Map<RemediationId, Decided>();
  let executed: Decided[] = [];

  const forgetOld = (now: EpochMs): void => {
    // In the order of their reading: the oldest stand in front.
    for (const [key, at] of keys) {
      if (now - at < KEPT_MS) break;
      keys.delete(key);
    }
    const first = executed.findIndex(({ at }) => now - at < KEPT_MS);
    executed = first < 0 ? [] : executed.slice(first);
  };

  return {
    read(event) {
      if (event.type === 'remediation.finished') running.delete(event.remediation);
      if (event.type !== 'remediation.decided' || !consumes.has(event.decision)) return;
      forgetOld(event.at);
      keys.set(keyOf(event.alert), event.at);
      if (event.decision !== 'execute') return;
      executed.push(event);
      running.set(event.remediation, event);
    },
    seen: (alert) => keys.has(keyOf(alert)),
    isOver: (alert) => keys.has(keyOf({ ...alert, status: 'resolved' })),
    inFlight: (component) => [...running.values()].find((one) => one.component === component),
    running: () => [...running.values()],
    executions: (rule, component, now, withinMs) =>
      executed
        .filter((one) => one.rule === rule && one.component === component && now - one.at < withinMs)
        .map(({ at }) => at),
    forget(decided) {
      keys.delete(keyOf(decided.alert));
      running.delete(decided.remediation);
      executed = executed.filter((one) => one.remediation !== decided.remediation);
    },
  };
}

import type { ComponentName, EpochMs, EventOf, RecoveryEvent, RemediationId } from '../model/index.ts';
import { keyOf } from './alert.ts';

export type Decided = EventOf<'remediation.decided'>;

/** What was decided and done, as far as it matters for the next decision: a fold of the stored events. */
export interface RemediationBook {
  /**
   * Reads one event, live or from the store, in their order. A decision that was cancelled (it could not be kept, or
   * nothing came of it) is forgotten: the alert may come again.
   */
  read(event: RecoveryEvent): void;
  /** An alert was acted upon under this key. */
  seen(alert: Decided['alert']): boolean;
  /** The same alert, in the same firing, was told to be over. */
  isOver(alert: Decided['alert']): boolean;
  /** The action of an alert that runs on a component now. */
  inFlight(component: ComponentName): Decided | undefined;
  running(): readonly Decided[];
  /** When a rule has acted on a component within `withinMs`, oldest first. */
  executions(rule: string, component: ComponentName, now: EpochMs, withinMs: number): readonly EpochMs[];
}

/** After its last delivery; longer than any Alertmanager waits before it repeats one that goes on. */
const KEPT_MS = 48 * 3_600_000;
/** Refusals leave the key free: the next delivery of the same alert may find the gate open. */
const consuming: ReadonlySet<string> = new Set(['execute', 'dry_run', 'resolved']);
export const consumes = ({ decision }: Decided): boolean => consuming.has(decision);

export function createRemediationBook(): RemediationBook {
  /** By the alert's key, in the order of their last delivery. */
  const keys = new Map<string, { readonly remediation: RemediationId; readonly deliveredAt: EpochMs }>();
  const running = new Map<RemediationId, Decided>();
  let executed: Decided[] = [];

  const deliver = (key: string, remediation: RemediationId, deliveredAt: EpochMs): void => {
    keys.delete(key);
    keys.set(key, { remediation, deliveredAt });
  };

  const forgetOld = (now: EpochMs): void => {
    for (const [key, { deliveredAt }] of keys) {
      if (now - deliveredAt < KEPT_MS) break;
      keys.delete(key);
    }
    const first = executed.findIndex(({ at }) => now - at < KEPT_MS);
    executed = first < 0 ? [] : executed.slice(first);
  };

  const decided = (event: Decided): void => {
    const key = keyOf(event.alert);
    const known = keys.get(key);
    if (event.decision === 'duplicate' && known) deliver(key, known.remediation, event.at);
    if (!consumes(event)) return;
    forgetOld(event.at);
    deliver(key, event.remediation, event.at);
    if (event.decision !== 'execute') return;
    executed.push(event);
    running.set(event.remediation, event);
  };

  const forget = (remediation: RemediationId): void => {
    for (const [key, one] of keys) if (one.remediation === remediation) keys.delete(key);
    executed = executed.filter((one) => one.remediation !== remediation);
  };

  return {
    read(event) {
      if (event.type === 'remediation.decided') decided(event);
      if (event.type !== 'remediation.finished') return;
      running.delete(event.remediation);
      if (event.outcome === 'cancelled') forget(event.remediation);
    },
    seen: (alert) => keys.has(keyOf(alert)),
    isOver: (alert) => keys.has(keyOf({ ...alert, status: 'resolved' })),
    inFlight: (component) => [...running.values()].find((one) => one.component === component),
    running: () => [...running.values()],
    executions: (rule, component, now, withinMs) =>
      executed
        .filter((one) => one.ruleId === rule && one.component === component && now - one.at < withinMs)
        .map(({ at }) => at),
  };
}

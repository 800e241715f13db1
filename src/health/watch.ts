import { healthStatuses, HOST, type ComponentName, type HealthStatus } from '../model/index.ts';
import type { Clock } from '../clock.ts';
import { freshStreak, type Streak } from './assess.ts';
import type { CheckSubject, Heartbeat } from './check.ts';
import type { CheckState, Watched } from './health-monitor.ts';
import { COUNTS_OUTCOMES, createOutcomeLog, type OutcomeLog } from './outcome-log.ts';
import { statusOfOutcome, worst } from './overall.ts';
import type { Runner } from './runner.ts';
import type { CheckPlan } from './schema.ts';
import type { Verifying } from './verify.ts';

/** One check of a watched component. */
export interface WatchedCheck {
  readonly plan: CheckPlan;
  readonly onHeartbeat: boolean;
  readonly needsWork: boolean;
  readonly runner: Runner;
  state: CheckState;
  streak: Streak;
}

/** One watched component with what is known of its current life. */
export interface Watch {
  readonly watched: Watched;
  readonly subject: CheckSubject;
  readonly outcomes: OutcomeLog;
  readonly checks: Map<string, WatchedCheck>;
  /** How many of its checks have each status now: a result costs the same however many there are. */
  readonly tally: Record<HealthStatus, number>;
  /** Resumed and not paused. */
  active: boolean;
  /** Monotonic time from which failures count. */
  countsFrom: number;
  beat: Heartbeat | null;
  /** The status that listeners know of. */
  told: HealthStatus;
  verifying: Verifying | null;
}

export const freshState = (component: ComponentName, check: string, kind: string): CheckState => ({
  component,
  check,
  kind,
  outcome: 'unknown',
  message: 'has not run yet',
  severity: 0,
  at: null,
  consecutiveFailures: 0,
  lastSuccessAt: null,
});

export function createWatch(watched: Watched, clock: Pick<Clock, 'monotonic'>): Watch {
  const { subject } = watched;
  const counts = Object.values(watched.checks).some(({ kind, enabled }) => enabled && kind === COUNTS_OUTCOMES);
  const outcomes = createOutcomeLog(clock, counts);
  const watch: Watch = {
    watched,
    subject: {
      process: () => subject.process(),
      engine: () => subject.engine(),
      usage: () => subject.usage(),
      startedAt: () => subject.startedAt(),
      heartbeat: () => watch.beat,
      ping: (token) => subject.ping?.(token) ?? null,
      successes: outcomes.count,
      isHost: watched.component === HOST,
    },
    outcomes,
    checks: new Map(),
    tally: { healthy: 0, degraded: 0, unhealthy: 0, critical: 0, unknown: 0 },
    active: false,
    countsFrom: 0,
    beat: null,
    told: 'unknown',
    verifying: null,
  };
  return watch;
}

export function addTo(watch: Watch, entry: WatchedCheck): void {
  watch.checks.set(entry.state.check, entry);
  watch.tally[statusOfOutcome(entry.state.outcome)]++;
}

/** The only way by which a check's state changes. */
export function setState(watch: Watch, entry: WatchedCheck, state: CheckState): void {
  watch.tally[statusOfOutcome(entry.state.outcome)]--;
  watch.tally[statusOfOutcome(state.outcome)]++;
  entry.state = state;
}

/** A new life: nothing is known of it yet, but when each check last passed stays true. */
export function forget(watch: Watch): void {
  watch.beat = null;
  watch.outcomes.clear();
  for (const entry of watch.checks.values()) {
    const { component, check, kind, lastSuccessAt } = entry.state;
    setState(watch, entry, { ...freshState(component, check, kind), lastSuccessAt });
    entry.streak = freshStreak;
  }
  watch.told = statusOf(watch);
}

export const statusOf = ({ tally }: Watch): HealthStatus => worst(healthStatuses.filter((status) => tally[status] > 0));

/** The check that its status comes from. */
export function worstCheck(watch: Watch): CheckState | undefined {
  const status = statusOf(watch);
  return [...watch.checks.values()].find(({ state }) => statusOfOutcome(state.outcome) === status)?.state;
}

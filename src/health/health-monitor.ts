import type { ComponentName, CheckOutcome, EpochMs, HealthStatus } from '../model/index.ts';
import type { CheckResult, CheckSubject, Heartbeat } from './check.ts';
import type { CheckPlan, Intervals } from './schema.ts';

/** What is watched: one component (or the host) with its checks. */
export interface Watched {
  readonly component: ComponentName;
  readonly checks: Readonly<Record<string, CheckPlan>>;
  /** What the monitor does not know by itself. */
  readonly subject: Omit<CheckSubject, 'successes' | 'isHost'>;
  readonly cwd: string;
  /** Failing checks do not count before this much of a life has passed; 0 for the host. */
  readonly periodMs: number;
}

/** The latest result of one check. */
export interface CheckState {
  readonly component: ComponentName;
  readonly check: string;
  readonly kind: string;
  /** `unknown` until it has run once. */
  readonly outcome: CheckOutcome;
  readonly message: string;
  readonly severity: number;
  readonly at: EpochMs | null;
  readonly consecutiveFailures: number;
  readonly lastSuccessAt: EpochMs | null;
  /** What its last run has measured on the way. */
  readonly latency?: CheckResult['latency'];
}

export type Verification =
  { readonly verified: true; readonly checks: string[] } | { readonly verified: false; readonly waitingFor: string[] };

/**
 * Runs every check at its interval, started with jitter, never two runs of one check at a time, each bounded by
 * its timeout. States check.completed, check.changed, check.tripped and component.health_changed.
 * Disabled checks do not exist for it.
 */
export interface HealthMonitor {
  /**
   * Begins (or replaces) the watch of a component. Its checks are scheduled while it is `resumed`; replaced while
   * it is resumed it stays so, and a check whose plan is the same keeps its results.
   */
  watch(watched: Watched): void;
  unwatch(component: ComponentName): void;
  /** A new life begins: results, counts and the heartbeat of the last one are forgotten, scheduling goes on. */
  resume(component: ComponentName): void;
  /** Nothing runs that could be checked: scheduling pauses, a run under way is aborted and does not count. */
  pause(component: ComponentName): void;
  /**
   * Polls the checks of a starting component (50 ms, growing to 500 ms) until each has passed once, healthy or
   * degraded, but for those that can tell nothing so soon; a heartbeat counts on arrival. Without checks: it has lived 100 ms. While it polls, failures do not
   * count and no change of health is told; the status it ends with is told before it resolves.
   * @returns unverified when `signal` is aborted, or the component paused, unwatched or verified anew.
   */
  verify(component: ComponentName, signal: AbortSignal): Promise<Verification>;
  /** Remembers the beat. One that tells something new is assessed at once, the others by the check's schedule. */
  heartbeat(component: ComponentName, beat: Heartbeat): void;
  /** Remembers how a component's calls ended, for checks of success rates; forgotten when a new life begins. */
  outcomes(component: ComponentName, outcomes: readonly { readonly dependency: string; readonly ok: boolean }[]): void;
  lastHeartbeat(component: ComponentName): Heartbeat | null;
  checks(component?: ComponentName): CheckState[];
  /**
   * The worst of the latest results of its checks: critical, unhealthy (or timeout), degraded, unknown, healthy.
   * A check that has not run since `resume` is unknown, so a component is healthy only once all have passed.
   * Healthy without checks; unknown when it is not watched.
   */
  statusOf(component: ComponentName): HealthStatus;
  /** New intervals after a reload. */
  configure(intervals: Intervals): void;
  /** Ends all watches: nothing runs afterwards. */
  stop(): void;
}

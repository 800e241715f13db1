import { isFailure, type CheckOutcome } from '../model/index.ts';

/** What is remembered of a check's results in one life. */
export interface Streak {
  /** Failures since it last counted as well. */
  readonly failures: number;
  /** Successes since the last failure. */
  readonly successes: number;
  /** It has acted; it acts again only after it was well again. */
  readonly tripped: boolean;
}

export const freshStreak: Streak = { failures: 0, successes: 0, tripped: false };

export interface Thresholds {
  readonly failure_threshold: number;
  readonly success_threshold: number;
}

/**
 * Adds one result to the streak. Failures are unhealthy, critical and timeout; degraded and unknown neither
 * count nor reset.
 * @param counts false so soon after a start that failures are only recorded.
 * @returns the streak that follows; `trips` when this result makes the check act, once per streak.
 */
export function assess(
  streak: Streak,
  outcome: CheckOutcome,
  { failure_threshold, success_threshold }: Thresholds,
  counts = true,
): { readonly streak: Streak; readonly trips: boolean } {
  if (isFailure(outcome)) {
    if (!counts) return { streak: { ...streak, successes: 0 }, trips: false };
    const failures = streak.failures + 1;
    const bad = outcome === 'critical' || failures >= failure_threshold;
    return { streak: { failures, successes: 0, tripped: streak.tripped || bad }, trips: bad && !streak.tripped };
  }
  if (outcome !== 'healthy') return { streak, trips: false };
  const successes = streak.successes + 1;
  return {
    streak: successes >= success_threshold ? { ...freshStreak, successes } : { ...streak, successes },
    trips: false,
  };
}

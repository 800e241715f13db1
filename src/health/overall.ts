import type { CheckOutcome, HealthStatus, Priority } from '../model/index.ts';

const badness: readonly HealthStatus[] = ['healthy', 'unknown', 'degraded', 'unhealthy', 'critical'];

/** A timeout is as bad as an answer that says unhealthy. */
export const statusOfOutcome = (outcome: CheckOutcome): HealthStatus => (outcome === 'timeout' ? 'unhealthy' : outcome);

/**
 * The worst of many results: critical, unhealthy or timeout, degraded, unknown, healthy; healthy when there is none.
 * Unknown is never taken for healthy and never hides anything worse.
 */
export function worst(outcomes: Iterable<CheckOutcome>): HealthStatus {
  let found = 0;
  for (const outcome of outcomes) found = Math.max(found, badness.indexOf(statusOfOutcome(outcome)));
  return badness[found] ?? 'unknown';
}

export interface Part {
  readonly component: string;
  readonly priority: Priority;
  readonly status: HealthStatus;
}

/**
 * The health of everything from the latest status of each component: any critical is critical; an unhealthy one of
 * critical priority, or more than two unhealthy, is unhealthy; any unhealthy or more than five degraded is degraded.
 * Otherwise healthy, unless something is unknown or there is nothing to know of: unknown.
 */
export function overall(parts: readonly Part[]): HealthStatus {
  const unhealthy = parts.filter(({ status }) => status === 'unhealthy');
  if (parts.some(({ status }) => status === 'critical')) return 'critical';
  if (unhealthy.length > 2 || unhealthy.some(({ priority }) => priority === 'critical')) return 'unhealthy';
  if (unhealthy.length > 0 || parts.filter(({ status }) => status === 'degraded').length > 5) return 'degraded';
  return parts.length === 0 || parts.some(({ status }) => status === 'unknown') ? 'unknown' : 'healthy';
}

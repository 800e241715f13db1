/** What a check, a component or the whole host can be. */
export type HealthStatus = 'healthy' | 'degraded' | 'unhealthy' | 'critical' | 'unknown';
export const healthStatuses = ['healthy', 'degraded', 'unhealthy', 'critical', 'unknown'] as const;

/** How one run of a check ended; `timeout` is a failure of its own kind. */
export type CheckOutcome = HealthStatus | 'timeout';
export const checkOutcomes = [...healthStatuses, 'timeout'] as const;

/** Unhealthy, critical and timeout are failures; degraded and unknown neither count nor reset. */
export const isFailure = (outcome: CheckOutcome): boolean =>
  outcome === 'unhealthy' || outcome === 'critical' || outcome === 'timeout';

/** What a failing check asks for once its threshold is reached. */
export type CheckAction = 'restart' | 'none';

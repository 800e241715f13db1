export { assess, freshStreak, type Streak, type Thresholds } from './assess.ts';
export * from './check.ts';
export { checks } from './checks/index.ts';
export type { CheckState, HealthMonitor, Verification, Watched } from './health-monitor.ts';
export { createMonitor, type MonitorDeps } from './monitor.ts';
export { overall, worst, type Part } from './overall.ts';
export { createHostSampler, type HostSample } from './sample.ts';
export type { CheckPlan, Intervals, StartPolicy } from './schema.ts';
export { createPings, pingOf, type Pings, type PingState } from './pings.ts';

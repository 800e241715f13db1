export type { Driver, FindSurvivors, Running, StartPlan, Survivor } from './driver.ts';
export { sameProcess } from './proc.ts';
export { createProcessDriver, type ProcessDriver, type ProcessDriverDeps } from './process.ts';
export { findSurvivors } from './survivors.ts';

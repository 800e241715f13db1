export { findAccount } from './account.ts';
export type {
  AfterStop,
  Driver,
  EngineHealth,
  FindSurvivors,
  RecordedRun,
  Running,
  StartPlan,
  Survivor,
} from './driver.ts';
export { createDrivers, type DriversDeps } from './drivers.ts';
export { readStat, sameProcess, systemBootId } from './proc.ts';
export { formerOf, type Former } from './former.ts';
export type { Inside } from './logical.ts';
export { createProcessDriver, type ProcessDriver, type ProcessDriverDeps } from './process.ts';
export { driverKindOf, engineOf, isElsewhere, isKeptRunning, waysToRun, type EngineSettings } from './schema.ts';
export { runCommand } from './run-command.ts';
export { createSweep, type Sweep } from './sweep.ts';
export { findSurvivors } from './survivors.ts';
export { treeOf } from './tree.ts';
export { trimMalloc } from './trim-malloc.ts';
export type { StopPolicy } from './schema.ts';

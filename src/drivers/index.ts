export { findAccount } from './account.ts';
export type { Driver, FindSurvivors, Running, StartPlan, Survivor } from './driver.ts';
export { sameProcess, systemBootId } from './proc.ts';
export { createProcessDriver, type ProcessDriver, type ProcessDriverDeps } from './process.ts';
export { createSweep, type Sweep } from './sweep.ts';
export { findSurvivors } from './survivors.ts';
export { treeOf } from './tree.ts';
export { trimMalloc } from './trim-malloc.ts';
export type { StopPolicy } from './schema.ts';

export type { BreakerControl, Breakers, BreakerStatus, Outcome, Permission } from './breakers.ts';
export { createBreakers, type BreakersDeps } from './create.ts';
export type { BreakerPolicy } from './schema.ts';

export { attemptsSoFar, budgetUsed, decide, isCounted, type RestartRequest, type Situation } from './decide.ts';
export { toBlame } from './blame.ts';
export { createLedger, type RestartLedger } from './ledger.ts';
export { maintenanceAt } from './maintenance.ts';
export { restartsSystem } from './system.ts';
export { worstFault, type Faults } from './slow-loop.ts';
export type { HostRestartPolicy, MaintenanceWindow, RestartPolicy } from './policy.ts';

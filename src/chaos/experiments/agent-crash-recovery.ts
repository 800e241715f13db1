import {
  processRestarted,
  rpoWithinObjective,
  rtoWithinObjective,
  servicesRunning,
  stateRecovered,
} from '../checks.ts';
import { defineExperiment } from '../experiment.ts';
import { kill } from '../faults/kill.ts';

export const agentCrashRecovery = defineExperiment({
  kind: 'agent_crash_recovery',
  summary: 'Kills the agent and expects it back, with its state and with everybody who was up before.',
  target: 'agent_core',
  fault: kill,
  timeoutMs: 120_000,
  checks: [processRestarted, stateRecovered, servicesRunning, rtoWithinObjective, rpoWithinObjective],
});

import { registry } from '../../registry.ts';
import type { Experiment } from '../experiment.ts';
import { agentCrashRecovery } from './agent-crash-recovery.ts';

export const experiments = registry<Experiment>(agentCrashRecovery);

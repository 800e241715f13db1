import type { Observation } from '../../src/chaos/experiment.ts';
import type { Subject } from '../../src/chaos/index.ts';
import { componentName, type IncarnationId } from '../../src/model/index.ts';

export const subject = (name: string, fields: Partial<Subject> = {}): Subject => ({
  component: componentName(name),
  priority: 'medium',
  enabled: true,
  held: false,
  state: 'running',
  health: 'healthy',
  process: { pid: 11, startTime: 11, bootId: 'fake' },
  incarnation: 'first' as IncarnationId,
  why: '',
  ...fields,
});

export const down = (name: string, why = ''): Subject =>
  subject(name, { state: 'stopped', health: 'unhealthy', process: null, incarnation: null, why });

/** All went well, in one second. */
export const observation = (fields: Partial<Observation> = {}): Observation => ({
  component: componentName('agent_core'),
  timeoutMs: 120_000,
  objectives: { rtoMs: 30_000, rpoMs: 5_000 },
  hadState: true,
  rtoMs: 1_000,
  gaveUp: null,
  restored: { source: 'latest', outcome: 'success', entriesReplayed: 3, dataLossMs: 0 },
  upBefore: [subject('agent_core'), subject('gmail')],
  after: [subject('agent_core'), subject('gmail')],
  ...fields,
});

import { componentName, epochMs } from '../../src/model/index.ts';
import { defaultObjectives, type ComponentSnapshot, type Names, type Snapshot } from '../../src/telemetry/index.ts';

const at = epochMs(Date.UTC(2026, 10, 23, 12));

export const check = (component: string, name: string) => ({
  component: componentName(component),
  check: name,
  kind: 'http',
  outcome: 'healthy' as const,
  message: 'fine',
  severity: 0,
  at,
  consecutiveFailures: 0,
  lastSuccessAt: at,
});

export const component = (name: string, overrides: Partial<ComponentSnapshot> = {}): ComponentSnapshot => ({
  component: name,
  kind: 'process',
  priority: 'high',
  enabled: true,
  state: 'running',
  startedAt: at,
  lastCrashAt: null,
  recovering: false,
  backoffMs: 0,
  budget: { used: 1, limit: 5 },
  usage: { cpuRatio: 0.25, residentBytes: 1_048_576, openFds: 12, processes: 2 },
  checks: [check(name, 'api')],
  checkpoint: { sizeBytes: 2_048, capturedAt: at },
  dirtyMs: 1_500,
  metrics: [{ name: 'queue_depth', value: 3 }],
  objectives: defaultObjectives,
  ...overrides,
});

export const snapshot = (overrides: Partial<Snapshot> = {}): Snapshot => ({
  build: { version: '1.2.3', revision: 'abc', nodeVersion: 'v24.0.0' },
  config: { lastReloadOk: true, lastSuccessAt: at },
  lastTickAt: at,
  storageBytes: { events: 4_096, state: 8_192 },
  host: { cpuRatio: 0.5, memoryRatio: 0.25, disks: [{ mount: '/', ratio: 0.75 }], processes: 200, handles: 3_000 },
  hostChecks: [check('host', 'resources')],
  components: [component('gmail')],
  remediation: { enabled: true, running: ['restart'], lastWatchdogAt: at },
  queues: [{ sink: 'otlp_traces', length: 3, capacity: 8_192 }],
  openIncidents: [{ severity: 'critical', startedAt: at }],
  experiments: [{ experiment: 'agent_crash_recovery', active: false, lastRunAt: at }],
  degradation: {
    level: 'minimal',
    features: [
      { feature: 'planning', enabled: true },
      { feature: 'speech', enabled: false },
    ],
  },
  breakers: [{ name: 'gpt_api', state: 'open', since: at, failureRatio: 0.5 }],
  ...overrides,
});

export const names: Names = {
  components: { gmail: { checks: ['api'] } },
  hostChecks: ['resources'],
  breakers: ['gpt_api'],
};

import type { Experiments } from '../chaos/index.ts';
import type { Config } from '../config/index.ts';
import { driverKindOf } from '../drivers/index.ts';
import { HOST, priorities } from '../model/index.ts';
import type { Remediation } from '../remediation/index.ts';
import { budgetUsed } from '../restart/index.ts';
import { type Names, type Snapshot, type Tracer } from '../telemetry/index.ts';
import type { House } from './house.ts';
import { objectivesOf } from './objectives.ts';
import { stateName } from './state.ts';

/** What runs beside the house. */
export interface Beside {
  readonly experiments: Pick<Experiments, 'list'>;
  readonly remediation: Pick<Remediation, 'running'>;
  /** null: nothing is traced. */
  readonly tracer: Pick<Tracer, 'queue'> | null;
}

/** All that is a state, at this moment. */
export function takeSnapshot(house: House, { experiments, remediation, tracer }: Beside): Snapshot {
  const { breakers, bus, degradation, clock, ledger, monitor, readings, roster, state, store, version } = house;
  const now = clock.now();
  return {
    build: { version, revision: process.env['PARAMEDIC_REVISION'] ?? 'unknown', nodeVersion: process.version },
    config: { lastReloadOk: readings.lastReload.ok, lastSuccessAt: readings.lastReload.successAt },
    lastTickAt: readings.lastTickAt,
    storageBytes: { events: store.sizeBytes(), state: state.sizeBytes() },
    host: readings.host,
    hostChecks: monitor.checks(HOST),
    remediation: {
      enabled: house.loaded.config.remediation.enabled,
      running: remediation.running().map(({ action }) => action),
      lastWatchdogAt: readings.lastWatchdogAt,
    },
    queues: tracer ? [tracer.queue()] : [],
    openIncidents: house.incidents.open(),
    experiments: experiments.list().map(({ experiment, active, lastRun }) => ({
      experiment: experiment.kind,
      active,
      lastRunAt: lastRun?.at ?? null,
    })),
    breakers: breakers.list(),
    degradation: levelAndFeatures(degradation),
    components: [...roster].map(({ name, config }) => {
      const record = bus.record(name);
      const { usage, metrics, checkpoint } = readings.of(name);
      const { restart_window, max_restarts } = config.restart;
      const { state: current } = record;
      return {
        component: name,
        kind: driverKindOf(config),
        priority: config.priority,
        enabled: config.enabled && !record.held,
        state: stateName(current),
        startedAt: record.startedAt,
        lastCrashAt: record.lastCrashAt,
        recovering: record.recovery !== null,
        backoffMs: current.is === 'backoff' && current.until !== null ? Math.max(0, current.until - current.since) : 0,
        budget: { used: budgetUsed(ledger.of(name, restart_window, now), restart_window, now), limit: max_restarts },
        usage,
        checks: monitor.checks(name),
        checkpoint,
        metrics,
        dirtyMs: house.autoCheckpoint.dirtyMs(name) ?? null,
        objectives: objectivesOf(config),
      };
    }),
  };
}

/** The names that labels may take. */
export const namesOf = (config: Config): Names => ({
  components: Object.fromEntries(
    Object.entries(config.components).map(([name, { checks }]) => [name, { checks: Object.keys(checks) }]),
  ),
  hostChecks: Object.keys(config.host.checks),
  breakers: Object.keys(config.breakers),
});

function levelAndFeatures(degradation: House['degradation']): Snapshot['degradation'] {
  const { level, features, configured } = degradation.status();
  const rank = ({ priority }: (typeof configured)[number]) => priorities.indexOf(priority);
  const sorted = configured.toSorted((one, other) => rank(one) - rank(other));
  return { level, features: sorted.map(({ name }) => ({ feature: name, enabled: features[name]?.enabled ?? true })) };
}

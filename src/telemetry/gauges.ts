import type { CheckState } from '../health/index.ts';
import {
  breakerStates,
  componentStates,
  degradationLevels,
  incidentSeverities,
  remediableActions,
} from '../model/index.ts';
import { MOST_FEATURES, type LabelsOf, type MetricName, type MetricUpdate } from './catalogue.ts';
import type { BreakerSnapshot, ComponentSnapshot, ExperimentSnapshot, Snapshot } from './snapshot.ts';

/** Every gauge as it is now; what is not known is left out, what has gone is gone. */
export function toGauges(snapshot: Snapshot): MetricUpdate[] {
  const { build, config, lastTickAt, storageBytes, host } = snapshot;
  return [
    gauge('paramedic_build_info', label(build.version, build.revision, build.nodeVersion), 1),
    gauge('paramedic_config_last_reload_successful', {}, Number(config.lastReloadOk)),
    gauge('paramedic_config_last_reload_success_timestamp_seconds', {}, config.lastSuccessAt / 1_000),
    ...known('paramedic_supervisor_last_tick_timestamp_seconds', {}, inSeconds(lastTickAt)),
    ...known('paramedic_storage_size_bytes', { store: 'events' }, storageBytes.events),
    ...known('paramedic_storage_size_bytes', { store: 'state' }, storageBytes.state),
    ...known('paramedic_host_cpu_ratio', {}, host?.cpuRatio),
    ...known('paramedic_host_memory_ratio', {}, host?.memoryRatio),
    ...known('paramedic_host_processes', {}, host?.processes),
    ...known('paramedic_host_handles', {}, host?.handles),
    ...snapshot.queues.flatMap(({ sink, length, capacity }) => [
      gauge('paramedic_telemetry_queue_length', { sink }, length),
      gauge('paramedic_telemetry_queue_capacity', { sink }, capacity),
    ]),
    ...(host?.disks ?? []).map(({ mount, ratio }) => gauge('paramedic_host_disk_ratio', { mount }, ratio)),
    ...snapshot.hostChecks.flatMap(ofCheck),
    ...snapshot.hostChecks.flatMap(({ latency }) =>
      latency ? [gauge('paramedic_host_network_latency_seconds', { target: latency.target }, latency.ms / 1_000)] : [],
    ),
    ...snapshot.components.flatMap(ofComponent),
    ...ofIncidents(snapshot),
    ...ofRemediation(snapshot),
    ...snapshot.experiments.flatMap(ofExperiment),
    ...snapshot.breakers.flatMap(ofBreaker),
    ...ofDegradation(snapshot),
  ];
}

function ofComponent(of: ComponentSnapshot): MetricUpdate[] {
  const { component, priority, kind, usage, checkpoint } = of;
  const labels = { component };
  const serves = of.state === 'running' || of.state === 'degraded';
  return [
    gauge('paramedic_component_info', { component, kind, priority }, 1),
    ...componentStates.map((state) =>
      gauge('paramedic_component_state', { component, state }, Number(state === of.state)),
    ),
    gauge('paramedic_component_up', labels, Number(serves)),
    gauge('paramedic_component_enabled', labels, Number(of.enabled)),
    ...known('paramedic_component_start_time_seconds', labels, inSeconds(of.startedAt)),
    ...known('paramedic_component_cpu_ratio', labels, usage?.cpuRatio),
    ...known('paramedic_component_resident_memory_bytes', labels, usage?.residentBytes),
    ...known('paramedic_component_open_fds', labels, usage?.openFds),
    ...of.metrics.map(({ name, value }) => gauge('paramedic_component_metric', { component, name }, value)),
    gauge('paramedic_restart_backoff_seconds', labels, of.backoffMs / 1_000),
    gauge('paramedic_restart_budget_used', labels, of.budget.used),
    gauge('paramedic_restart_budget_limit', labels, of.budget.limit),
    gauge('paramedic_last_crash_timestamp_seconds', labels, (of.lastCrashAt ?? 0) / 1_000),
    ...known('paramedic_checkpoint_size_bytes', labels, checkpoint?.sizeBytes),
    ...known('paramedic_checkpoint_last_success_timestamp_seconds', labels, inSeconds(checkpoint?.capturedAt)),
    ...known('paramedic_checkpoint_dirty_seconds', labels, inSeconds(of.dirtyMs)),
    gauge('paramedic_rpo_objective_seconds', labels, of.objectives.rpoMs / 1_000),
    gauge('paramedic_rto_objective_seconds', labels, of.objectives.rtoMs / 1_000),
    gauge('paramedic_recoveries_in_progress', labels, Number(of.recovering)),
    ...of.checks.flatMap(ofCheck),
  ];
}

function ofRemediation({ remediation: { enabled, running, lastWatchdogAt } }: Snapshot): MetricUpdate[] {
  const last = (lastWatchdogAt ?? 0) / 1_000;
  return [
    gauge('paramedic_remediation_paused', {}, Number(!enabled)),
    gauge('paramedic_webhook_last_watchdog_timestamp_seconds', { receiver: 'alertmanager' }, last),
    ...remediableActions.map((action) =>
      gauge('paramedic_remediation_in_flight', { action }, running.filter((one) => one === action).length),
    ),
  ];
}

function ofIncidents({ openIncidents }: Snapshot): MetricUpdate[] {
  return incidentSeverities.flatMap((severity) => {
    const begins = openIncidents.filter((open) => open.severity === severity).map(({ startedAt }) => startedAt);
    const oldest = begins.length === 0 ? 0 : Math.min(...begins);
    return [
      gauge('paramedic_incidents_open', { severity }, begins.length),
      gauge('paramedic_incident_oldest_open_timestamp_seconds', { severity }, oldest / 1_000),
    ];
  });
}

function ofBreaker({ name: breaker, state: current, since, failureRatio }: BreakerSnapshot): MetricUpdate[] {
  return [
    ...breakerStates.map((state) =>
      gauge('paramedic_circuit_breaker_state', { breaker, state }, Number(state === current)),
    ),
    ...known('paramedic_circuit_breaker_failure_ratio', { breaker }, failureRatio),
    gauge('paramedic_circuit_breaker_state_start_time_seconds', { breaker }, since / 1_000),
  ];
}

/** Those beyond the limit share one series: it tells whether all of them are on. */
const ofDegradation = ({ degradation: { level, features } }: Snapshot): MetricUpdate[] => [
  gauge('paramedic_degradation_level', {}, degradationLevels.indexOf(level)),
  ...features
    .slice(0, MOST_FEATURES)
    .map(({ feature, enabled }) => gauge('paramedic_feature_enabled', { feature }, Number(enabled))),
  ...features
    .slice(MOST_FEATURES)
    .map(({ feature }, _, others) =>
      gauge('paramedic_feature_enabled', { feature }, Number(others.every(({ enabled }) => enabled))),
    ),
];

function ofCheck({ component, check, outcome, at, consecutiveFailures, lastSuccessAt }: CheckState): MetricUpdate[] {
  // One that has not run in this life has neither succeeded nor failed.
  const succeeded = at === null ? undefined : Number(outcome === 'healthy' || outcome === 'degraded');
  const labels = { component, check };
  return [
    ...known('paramedic_health_check_success', labels, succeeded),
    gauge('paramedic_health_check_consecutive_failures', labels, consecutiveFailures),
    gauge('paramedic_health_check_last_success_timestamp_seconds', labels, (lastSuccessAt ?? 0) / 1_000),
  ];
}

const ofExperiment = ({ experiment, active, lastRunAt }: ExperimentSnapshot): MetricUpdate[] => [
  gauge('paramedic_chaos_experiment_active', { experiment }, Number(active)),
  ...known('paramedic_chaos_last_run_timestamp_seconds', { experiment }, inSeconds(lastRunAt)),
];

const label = (version: string, revision: string, node_version: string) => ({ version, revision, node_version });

const inSeconds = (ms: number | null | undefined) => (ms === null || ms === undefined ? null : ms / 1_000);

/** The pair of a name and its labels is checked here, where the name is one literal, not in the union. */
const gauge = <M extends MetricName>(metric: M, labels: LabelsOf<M>, value: number) =>
  ({ metric, labels, value }) as unknown as MetricUpdate;

const known = <M extends MetricName>(metric: M, labels: LabelsOf<M>, value: number | null | undefined) =>
  value === null || value === undefined ? [] : [gauge(metric, labels, value)];

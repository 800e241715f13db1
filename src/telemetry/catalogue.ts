import {
  acknowledgers,
  actionNames,
  breakerStates,
  callResults,
  checkOutcomes,
  componentStates,
  crashTypes,
  degradationLevels,
  dispositions,
  eventTypes,
  executionOutcomes,
  experimentOutcomes,
  incidentCategories,
  incidentSeverities,
  priorities,
  receivers,
  rejections,
  remediableActions,
  remediationDecisions,
  restartReasons,
  triggers,
  type CheckpointTrigger,
  type DropReason,
  type RecoveryOutcome,
  type RecoveryPhases,
  type RestoreSource,
  type StoreName,
  type TelemetrySink,
} from '../model/index.ts';

/*
 * The metrics, as data: METRICS.md for what exists so far. The registry, the types of every update, the reference
 * page and the bound on the number of series all come from this table.
 */

/** What comes from outside (a program, a disk): bounded for the metric and for each set of its other labels. */
export interface OpenLabel {
  readonly atMost: number;
  readonly each: number;
}

/**
 * Where a label's values come from: a list; the configured components (and `host`); the checks of that component;
 * the configured breakers; `text`, of which there is one at a time; or outside.
 */
export type LabelSource = readonly string[] | 'component' | 'check' | 'breaker' | 'text' | OpenLabel;

export const buckets = {
  check: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  scrape: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
  act: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300],
  io: [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  long: [1, 5, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 14_400],
} as const;

export interface MetricDefinition {
  readonly group:
    | 'self'
    | 'health'
    | 'component'
    | 'host'
    | 'restart'
    | 'crash'
    | 'breaker'
    | 'checkpoint'
    | 'recovery'
    | 'degradation'
    | 'incident'
    | 'experiment'
    | 'remediation';
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: Readonly<Record<string, LabelSource>>;
  readonly unit?: 'seconds' | 'bytes' | 'ratio';
  readonly buckets?: keyof typeof buckets;
  readonly exemplar?: true;
  /** Counters and histograms that rules read exist with 0 before anything has happened. */
  readonly zero?: true;
  readonly help: string;
}

const component = { component: 'component' } as const;
const perCheck = { component: 'component', check: 'check' } as const;
const outcome = ['success', 'failure'] as const;
const checkpointTriggers = [
  'interval',
  'size',
  'shutdown',
  'manual',
  'alert',
] as const satisfies readonly CheckpointTrigger[];
const sources = ['latest', 'previous', 'none'] as const satisfies readonly RestoreSource[];
const stores = ['events', 'state'] as const satisfies readonly StoreName[];
const recoveryOutcomes = [
  'recovered',
  'failed',
  'escalated',
  'timeout',
  'aborted',
] as const satisfies readonly RecoveryOutcome[];
const phases = [
  'detect',
  'decide',
  'act',
  'verify',
] as const satisfies readonly (keyof RecoveryPhases extends `${infer P}Ms` ? P : never)[];

const sinks = [
  'otlp_traces',
  'otlp_logs',
  'journal',
  'audit',
  'sse',
  'webhook',
  'email',
] as const satisfies readonly TelemetrySink[];
const dropReasons = [
  'queue_full',
  'export_failed',
  'sampled',
  'serialize_error',
  'shutdown',
] as const satisfies readonly DropReason[];
/** What the receiver answers. */
const codes = ['200', '202', '400', '401', '403', '404', '405', '409', '413', '415', '500', '503'] as const;
const breaker = { breaker: 'breaker' } as const;
/** Features that have a series each. */
export const MOST_FEATURES = 50;
const experiment = { experiment: { atMost: 6, each: 6 } } as const;

const seconds = 'seconds';
const bytes = 'bytes';
const ratio = 'ratio';

// prettier-ignore
const definitions = {
  paramedic_build_info: { group: 'self', type: 'gauge', labels: { version: 'text', revision: 'text', node_version: 'text' }, help: 'Constant 1; build metadata.' },
  paramedic_config_last_reload_successful: { group: 'self', type: 'gauge', labels: {}, help: '1 if the last configuration reload succeeded.' },
  paramedic_config_last_reload_success_timestamp_seconds: { group: 'self', type: 'gauge', labels: {}, unit: seconds, help: 'Unix time of the last successful configuration reload.' },
  paramedic_supervisor_last_tick_timestamp_seconds: { group: 'self', type: 'gauge', labels: {}, unit: seconds, help: 'Unix time of the last completed decision-loop tick (heartbeat).' },
  paramedic_supervisor_tick_duration_seconds: { group: 'self', type: 'histogram', labels: {}, unit: seconds, buckets: 'io', help: 'Decision-loop tick duration.' },
  paramedic_events_total: { group: 'self', type: 'counter', labels: { event: eventTypes }, zero: true, help: 'Recovery events emitted, by event type.' },
  paramedic_telemetry_items_dropped_total: { group: 'self', type: 'counter', labels: { sink: sinks, reason: dropReasons }, zero: true, help: 'Telemetry items lost before reaching a sink.' },
  paramedic_telemetry_items_exported_total: { group: 'self', type: 'counter', labels: { sink: sinks }, zero: true, help: 'Telemetry items accepted by a sink.' },
  paramedic_telemetry_queue_length: { group: 'self', type: 'gauge', labels: { sink: sinks }, help: 'Items waiting for a sink.' },
  paramedic_telemetry_queue_capacity: { group: 'self', type: 'gauge', labels: { sink: sinks }, help: 'Queue capacity of a sink.' },
  paramedic_metrics_render_duration_seconds: { group: 'self', type: 'histogram', labels: {}, unit: seconds, buckets: 'scrape', help: 'Time to render /metrics (blocks the event loop).' },
  paramedic_storage_size_bytes: { group: 'self', type: 'gauge', labels: { store: stores }, unit: bytes, help: 'Size of each database file with its WAL.' },
  paramedic_metrics_series: { group: 'self', type: 'gauge', labels: {}, help: 'Series in the registry at the last render.' },
  paramedic_metrics_series_limit: { group: 'self', type: 'gauge', labels: {}, help: 'Configured series limit.' },
  paramedic_metrics_label_overflow_total: { group: 'self', type: 'counter', labels: { metric: { atMost: 90, each: 90 } }, help: 'Label sets folded into _OTHER by the cardinality guard.' },

  paramedic_health_checks_total: { group: 'health', type: 'counter', labels: { ...perCheck, result: checkOutcomes }, exemplar: true, zero: true, help: 'Health check executions.' },
  paramedic_health_check_duration_seconds: { group: 'health', type: 'histogram', labels: perCheck, unit: seconds, buckets: 'check', exemplar: true, help: 'Health check duration.' },
  paramedic_health_check_lateness_seconds: { group: 'health', type: 'histogram', labels: {}, unit: seconds, buckets: 'check', help: 'Time from the turn of a check to its begin: what a busy daemon, or a busy machine, adds.' },
  paramedic_health_check_success: { group: 'health', type: 'gauge', labels: perCheck, help: '1 if the last check passed or warned, 0 otherwise (blackbox probe_success analogue).' },
  paramedic_health_check_consecutive_failures: { group: 'health', type: 'gauge', labels: perCheck, help: 'Consecutive failures of the check.' },
  paramedic_health_check_last_success_timestamp_seconds: { group: 'health', type: 'gauge', labels: perCheck, unit: seconds, help: 'Unix time of the last passing check; 0 if it has never passed.' },

  paramedic_component_info: { group: 'component', type: 'gauge', labels: { ...component, kind: 'text', priority: priorities }, help: 'Constant 1; component metadata.' },
  paramedic_component_state: { group: 'component', type: 'gauge', labels: { ...component, state: componentStates }, help: 'StateSet: 1 for the current state, 0 otherwise.' },
  paramedic_component_up: { group: 'component', type: 'gauge', labels: component, help: '1 if the component serves (running or degraded).' },
  paramedic_component_enabled: { group: 'component', type: 'gauge', labels: component, help: '1 if the component is meant to run.' },
  paramedic_component_start_time_seconds: { group: 'component', type: 'gauge', labels: component, unit: seconds, help: 'Unix start time of the current incarnation.' },
  paramedic_component_cpu_ratio: { group: 'component', type: 'gauge', labels: component, unit: ratio, help: 'CPU used, 1 = one core.' },
  paramedic_component_resident_memory_bytes: { group: 'component', type: 'gauge', labels: component, unit: bytes, help: 'Resident memory of the process tree.' },
  paramedic_component_open_fds: { group: 'component', type: 'gauge', labels: component, help: 'Open descriptors or handles.' },
  paramedic_component_metric: { group: 'component', type: 'gauge', labels: { ...component, name: { atMost: 250, each: 10 } }, help: 'What components report with their heartbeats.' },

  paramedic_host_cpu_ratio: { group: 'host', type: 'gauge', labels: {}, unit: ratio, help: 'CPU in use, 0-1.' },
  paramedic_host_memory_ratio: { group: 'host', type: 'gauge', labels: {}, unit: ratio, help: 'Memory in use, 0-1.' },
  paramedic_host_disk_ratio: { group: 'host', type: 'gauge', labels: { mount: { atMost: 5, each: 5 } }, unit: ratio, help: 'Disk in use, 0-1.' },
  paramedic_host_network_latency_seconds: { group: 'host', type: 'gauge', labels: { target: { atMost: 5, each: 5 } }, unit: seconds, help: 'Time that the last connection of a network check has taken, name included; absent while it fails.' },
  paramedic_host_processes: { group: 'host', type: 'gauge', labels: {}, help: 'Processes on the host.' },
  paramedic_host_handles: { group: 'host', type: 'gauge', labels: {}, help: 'Open handles or file descriptors on the host.' },

  paramedic_restarts_total: { group: 'restart', type: 'counter', labels: { ...component, reason: restartReasons, outcome }, exemplar: true, zero: true, help: 'Restart attempts that finished.' },
  paramedic_restart_duration_seconds: { group: 'restart', type: 'histogram', labels: component, unit: seconds, buckets: 'act', exemplar: true, zero: true, help: 'Stop-to-ready time of a restart that succeeded.' },
  paramedic_restart_backoff_seconds: { group: 'restart', type: 'gauge', labels: component, unit: seconds, help: 'Current restart delay; 0 when not backing off.' },
  paramedic_restart_budget_used: { group: 'restart', type: 'gauge', labels: component, help: 'Restarts in the current intensity window.' },
  paramedic_restart_budget_limit: { group: 'restart', type: 'gauge', labels: component, help: 'Restarts allowed per intensity window.' },
  paramedic_restart_escalations_total: { group: 'restart', type: 'counter', labels: component, exemplar: true, zero: true, help: 'Times the component was given up: its restart budget was exhausted, or the same crash kept coming back.' },

  paramedic_crashes_total: { group: 'crash', type: 'counter', labels: { ...component, type: crashTypes, error_type: { atMost: 20, each: 4 } }, exemplar: true, zero: true, help: 'Crashes by type and class of error.' },
  paramedic_last_crash_timestamp_seconds: { group: 'crash', type: 'gauge', labels: component, unit: seconds, help: 'Unix time of the last crash; 0 if never.' },
  paramedic_crash_reports_total: { group: 'crash', type: 'counter', labels: { outcome }, zero: true, help: 'Crash reports written to durable storage.' },

  paramedic_circuit_breaker_state: { group: 'breaker', type: 'gauge', labels: { ...breaker, state: breakerStates }, help: 'StateSet: 1 for the current state, 0 otherwise.' },
  paramedic_circuit_breaker_transitions_total: { group: 'breaker', type: 'counter', labels: { ...breaker, to: breakerStates, trigger: triggers }, exemplar: true, zero: true, help: 'State transitions.' },
  paramedic_circuit_breaker_calls_total: { group: 'breaker', type: 'counter', labels: { ...breaker, result: callResults }, exemplar: true, zero: true, help: 'Calls through the breaker.' },
  paramedic_circuit_breaker_call_duration_seconds: { group: 'breaker', type: 'histogram', labels: breaker, unit: seconds, buckets: 'check', exemplar: true, zero: true, help: 'Duration of permitted calls.' },
  paramedic_circuit_breaker_failure_ratio: { group: 'breaker', type: 'gauge', labels: breaker, unit: ratio, help: 'Failure ratio of the calls within failure_window; absent when there were none.' },
  paramedic_circuit_breaker_state_start_time_seconds: { group: 'breaker', type: 'gauge', labels: breaker, unit: seconds, help: 'Unix time the current state was entered.' },

  paramedic_checkpoints_total: { group: 'checkpoint', type: 'counter', labels: { ...component, trigger: checkpointTriggers, outcome }, exemplar: true, zero: true, help: 'Checkpoint attempts.' },
  paramedic_checkpoint_duration_seconds: { group: 'checkpoint', type: 'histogram', labels: component, unit: seconds, buckets: 'io', exemplar: true, help: 'Checkpoint write + fsync time.' },
  paramedic_checkpoint_size_bytes: { group: 'checkpoint', type: 'gauge', labels: component, unit: bytes, help: 'Size of the last good checkpoint.' },
  paramedic_checkpoint_last_success_timestamp_seconds: { group: 'checkpoint', type: 'gauge', labels: component, unit: seconds, help: 'Unix time of the state captured in the last good checkpoint.' },
  paramedic_checkpoint_dirty_seconds: { group: 'checkpoint', type: 'gauge', labels: component, unit: seconds, help: 'Age of the oldest change not yet durable (live RPO exposure); 0 when clean.' },
  paramedic_checkpoint_corruptions_total: { group: 'checkpoint', type: 'counter', labels: component, exemplar: true, zero: true, help: 'Checkpoints that failed integrity verification.' },
  paramedic_checkpoint_restores_total: { group: 'checkpoint', type: 'counter', labels: { ...component, source: sources, outcome }, exemplar: true, zero: true, help: 'Restores from checkpoints.' },
  paramedic_rpo_objective_seconds: { group: 'checkpoint', type: 'gauge', labels: component, unit: seconds, help: 'Recovery point objective.' },
  paramedic_rpo_achieved_seconds: { group: 'checkpoint', type: 'histogram', labels: component, unit: seconds, buckets: 'long', exemplar: true, zero: true, help: 'State age lost at each recovery.' },

  paramedic_recoveries_total: { group: 'recovery', type: 'counter', labels: { ...component, outcome: recoveryOutcomes }, exemplar: true, zero: true, help: 'Finished recoveries.' },
  paramedic_recoveries_in_progress: { group: 'recovery', type: 'gauge', labels: component, help: 'Recoveries under way.' },
  paramedic_rto_objective_seconds: { group: 'recovery', type: 'gauge', labels: component, unit: seconds, help: 'Recovery time objective.' },
  paramedic_rto_achieved_seconds: { group: 'recovery', type: 'histogram', labels: component, unit: seconds, buckets: 'act', exemplar: true, zero: true, help: 'Fault detection to verified recovery (time to recover).' },
  paramedic_phase_duration_seconds: { group: 'recovery', type: 'histogram', labels: { phase: phases }, unit: seconds, buckets: 'act', exemplar: true, zero: true, help: 'Duration of recovery phases; detect = fault to detection.' },

  paramedic_degradation_level: { group: 'degradation', type: 'gauge', labels: {}, help: 'Current level: 0 full, 1 reduced, 2 minimal, 3 emergency, 4 offline.' },
  paramedic_degradation_transitions_total: { group: 'degradation', type: 'counter', labels: { to: degradationLevels, trigger: triggers }, exemplar: true, zero: true, help: 'Level changes.' },
  paramedic_degradation_seconds_total: { group: 'degradation', type: 'counter', labels: { level: degradationLevels }, unit: seconds, zero: true, help: 'Time spent at each level.' },
  paramedic_feature_enabled: { group: 'degradation', type: 'gauge', labels: { feature: { atMost: MOST_FEATURES, each: MOST_FEATURES } }, help: '1 if a feature is on; of the least important beyond the limit, 1 if all of them are.' },

  paramedic_incidents_total: { group: 'incident', type: 'counter', labels: { severity: incidentSeverities, category: incidentCategories, ...component }, exemplar: true, help: 'Incidents opened.' },
  paramedic_incidents_open: { group: 'incident', type: 'gauge', labels: { severity: incidentSeverities }, help: 'Open incidents.' },
  paramedic_incident_oldest_open_timestamp_seconds: { group: 'incident', type: 'gauge', labels: { severity: incidentSeverities }, unit: seconds, help: 'Unix start time of the oldest open incident; 0 if none.' },
  paramedic_incident_acknowledge_seconds: { group: 'incident', type: 'histogram', labels: { severity: incidentSeverities, by: acknowledgers }, unit: seconds, buckets: 'act', exemplar: true, zero: true, help: 'Opened to acknowledged, by the recovery or by a person.' },
  paramedic_incident_duration_seconds: { group: 'incident', type: 'histogram', labels: { severity: incidentSeverities }, unit: seconds, buckets: 'long', exemplar: true, zero: true, help: 'Open-to-resolved time.' },

  paramedic_chaos_experiments_total: { group: 'experiment', type: 'counter', labels: { ...experiment, outcome: experimentOutcomes }, exemplar: true, help: 'Finished chaos experiments.' },
  paramedic_chaos_experiment_active: { group: 'experiment', type: 'gauge', labels: experiment, help: '1 while an experiment runs.' },
  paramedic_chaos_faults_injected_total: { group: 'experiment', type: 'counter', labels: { fault: { atMost: 25, each: 4 }, ...component }, exemplar: true, help: 'Faults injected.' },
  paramedic_chaos_experiment_duration_seconds: { group: 'experiment', type: 'histogram', labels: experiment, unit: seconds, buckets: 'act', exemplar: true, help: 'Experiment duration.' },
  paramedic_chaos_last_run_timestamp_seconds: { group: 'experiment', type: 'gauge', labels: experiment, unit: seconds, help: 'Unix time of the last finished run.' },

  paramedic_webhook_requests_total: { group: 'remediation', type: 'counter', labels: { receiver: receivers, code: codes }, exemplar: true, zero: true, help: 'Alert webhook requests by HTTP status.' },
  paramedic_webhook_request_duration_seconds: { group: 'remediation', type: 'histogram', labels: { receiver: receivers }, unit: seconds, buckets: 'io', exemplar: true, zero: true, help: 'Webhook handling time until the response.' },
  paramedic_webhook_rejections_total: { group: 'remediation', type: 'counter', labels: { receiver: receivers, reason: rejections }, zero: true, help: 'Requests refused before any alert was read.' },
  paramedic_webhook_alerts_total: { group: 'remediation', type: 'counter', labels: { receiver: receivers, disposition: dispositions }, zero: true, help: 'Alerts read from webhooks by what became of them.' },
  paramedic_webhook_truncated_alerts_total: { group: 'remediation', type: 'counter', labels: { receiver: receivers }, zero: true, help: 'Alerts Alertmanager left out (truncatedAlerts).' },
  paramedic_webhook_last_watchdog_timestamp_seconds: { group: 'remediation', type: 'gauge', labels: { receiver: receivers }, unit: seconds, help: 'Unix time the always-firing ParamedicWatchdog alert last arrived; 0 if never.' },
  paramedic_alert_delivery_delay_seconds: { group: 'remediation', type: 'histogram', labels: { receiver: receivers }, unit: seconds, buckets: 'act', exemplar: true, zero: true, help: 'Webhook receipt minus alert startsAt, first firing only.' },
  paramedic_remediation_decisions_total: { group: 'remediation', type: 'counter', labels: { action: actionNames, decision: remediationDecisions }, exemplar: true, zero: true, help: 'Decisions taken for requested actions.' },
  paramedic_remediation_executions_total: { group: 'remediation', type: 'counter', labels: { action: remediableActions, outcome: executionOutcomes }, exemplar: true, zero: true, help: 'Finished executions.' },
  paramedic_remediation_duration_seconds: { group: 'remediation', type: 'histogram', labels: { action: remediableActions }, unit: seconds, buckets: 'act', exemplar: true, help: 'Decision to end of verification.' },
  paramedic_remediation_in_flight: { group: 'remediation', type: 'gauge', labels: { action: remediableActions }, help: 'Running executions.' },
  paramedic_remediation_paused: { group: 'remediation', type: 'gauge', labels: {}, help: '1 while remediation is switched off.' },
} as const satisfies Record<string, MetricDefinition>;

export type MetricName = keyof typeof definitions;
type LabelSources<M extends MetricName> = (typeof definitions)[M]['labels'];
type ValueOf<S> = S extends readonly (infer V extends string)[] ? V : string;
/** Exactly the labels of one metric, with the values that its lists allow. */
export type LabelsOf<M extends MetricName> = {
  readonly [L in keyof LabelSources<M>]: ValueOf<LabelSources<M>[L]>;
};

export const catalogue: { readonly [M in MetricName]: MetricDefinition } = definitions;
export const metricNames = Object.keys(definitions) as MetricName[];

/** An exemplar's address: 32 and 16 hex digits, of a span that is sampled. */
export interface Exemplar {
  readonly trace_id: string;
  readonly span_id: string;
}

/** One change of one series: a counter grows by `value`, a histogram observes it, a gauge becomes it. */
export type MetricUpdate = {
  readonly [M in MetricName]: {
    readonly metric: M;
    readonly labels: LabelsOf<M>;
    readonly value: number;
    readonly exemplar?: Exemplar;
  };
}[MetricName];

/** Series of one histogram beside its buckets: +Inf, sum, count. */
const HISTOGRAM_EXTRA = 3;
export const seriesPerSet = (definition: MetricDefinition): number =>
  definition.type === 'histogram' ? buckets[definition.buckets ?? 'check'].length + HISTOGRAM_EXTRA : 1;

/** Beside what an open label says: nothing, and what was folded. */
const FOLDED = 2;

/** Most series that a metric can have with so many components, each with so many checks. */
export function maxSeries(
  definition: MetricDefinition,
  sizes: { components: number; checks: number; breakers: number },
): number {
  const values = Object.values(definition.labels).map((source) => {
    if (source === 'component') return sizes.components;
    if (source === 'check') return sizes.checks;
    if (source === 'breaker') return sizes.breakers;
    if (source === 'text') return 1;
    return 'atMost' in source ? source.each + FOLDED : source.length;
  });
  return values.reduce((product, count) => product * count, seriesPerSet(definition));
}

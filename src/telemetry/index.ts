export {
  catalogue,
  metricNames,
  type Exemplar,
  type LabelsOf,
  type MetricDefinition,
  type MetricName,
  type MetricUpdate,
} from './catalogue.ts';
export { toGauges } from './gauges.ts';
export { toLog, type LogLevel, type LogLine } from './logs.ts';
export { toMetrics } from './metrics.ts';
export { createLog, type Log, type LogOptions } from './pino.ts';
export { createMetrics, type Metrics, type MetricsOptions, type Rendered } from './prometheus.ts';
export { eventsPage, metricsPage } from './reference.ts';
export type { TelemetryPolicy } from './schema.ts';
export { defaultObjectives, type ComponentSnapshot, type Objectives, type Snapshot } from './snapshot.ts';
export { traceparent } from './trace-ids.ts';
export { createTracer, openOtlp, type Tracer } from './tracer.ts';
export type { Names } from './zeroes.ts';

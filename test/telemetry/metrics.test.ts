import { describe, expect, it } from 'vitest';
import { eventTypes, type EventType } from '../../src/model/index.ts';
import { catalogue, toMetrics, type MetricUpdate } from '../../src/telemetry/index.ts';
import { samples } from './events.ts';

const line = ({ metric, labels, value }: MetricUpdate) =>
  `${metric.replace('paramedic_', '')} ${Object.values(labels).join(' ')} ${value}`.replaceAll(/ +/g, ' ');

/** What each event changes beside `paramedic_events_total`; those not listed change nothing else. */
const changes: Partial<Record<EventType, string[]>> = {
  'daemon.ticked': ['supervisor_tick_duration_seconds 0.002'],
  'check.completed': ['health_checks_total gmail api timeout 1', 'health_check_duration_seconds gmail api 2'],
  'component.crashed': ['crashes_total gmail external_termination SIGKILL 1'],
  'component.failed': ['restart_escalations_total gmail 1'],
  'crash.reported': ['crash_reports_total success 1'],
  'crash.report_failed': ['crash_reports_total failure 1'],
  'restart.finished': ['restarts_total gmail crash success 1', 'restart_duration_seconds gmail 0.5'],
  'recovery.finished': [
    'recoveries_total gmail recovered 1',
    'rto_achieved_seconds gmail 0.5',
    'phase_duration_seconds detect 0.01',
    'phase_duration_seconds decide 0.02',
    'phase_duration_seconds act 0.3',
    'phase_duration_seconds verify 0.17',
  ],
  'checkpoint.written': ['checkpoints_total gmail interval success 1', 'checkpoint_duration_seconds gmail 0.004'],
  'checkpoint.write_failed': ['checkpoints_total gmail interval failure 1'],
  'checkpoint.corrupted': ['checkpoint_corruptions_total gmail 1'],
  'checkpoint.lost': ['checkpoint_corruptions_total gmail 1'],
  'checkpoint.restored': ['checkpoint_restores_total gmail latest success 1', 'rpo_achieved_seconds gmail 1.5'],
  'incident.opened': ['incidents_total critical crash gmail 1'],
  'incident.acknowledged': ['incident_acknowledge_seconds critical recovery 0.003'],
  'incident.resolved': ['incident_duration_seconds critical 1.5'],
  'breaker.transitioned': ['circuit_breaker_transitions_total gpt_api open policy 1'],
  'degradation.level_changed': ['degradation_transitions_total minimal policy 1'],
  'degradation.lasted': ['degradation_seconds_total minimal 5'],
  'breaker.called': [
    'circuit_breaker_calls_total gpt_api failure 1',
    'circuit_breaker_call_duration_seconds gpt_api 0.25',
  ],
  'webhook.answered': [
    'webhook_requests_total alertmanager 401 1',
    'webhook_request_duration_seconds alertmanager 0.002',
    'webhook_truncated_alerts_total alertmanager 3',
    'webhook_rejections_total alertmanager auth 1',
  ],
  'alert.received': ['webhook_alerts_total alertmanager accepted 1', 'alert_delivery_delay_seconds alertmanager 0.9'],
  'remediation.decided': ['remediation_decisions_total restart cooldown 1'],
  'remediation.finished': [
    'remediation_executions_total restart success 1',
    'remediation_duration_seconds restart 0.4',
  ],
  'fault.injected': ['chaos_faults_injected_total kill gmail 1'],
  'experiment.finished': [
    'chaos_experiments_total agent_crash_recovery failed 1',
    'chaos_experiment_duration_seconds agent_crash_recovery 30',
  ],
  'telemetry.exported': ['telemetry_items_exported_total otlp_traces 12'],
  'telemetry.dropped': ['telemetry_items_dropped_total otlp_traces queue_full 3'],
};

describe('metrics of events', () => {
  it.each(eventTypes)('%s', (type) => {
    expect(toMetrics(samples[type]).map(line)).toEqual([`events_total ${type} 1`, ...(changes[type] ?? [])]);
  });

  it.each([
    {
      event: { ...samples['restart.finished'], outcome: 'failure' as const },
      lines: ['restarts_total gmail crash failure 1'],
    },
    {
      event: { ...samples['recovery.finished'], outcome: 'failed' as const },
      lines: ['recoveries_total gmail failed 1'],
    },
    { event: { ...samples['component.failed'], rule: 'exit_codes' }, lines: [] },
    {
      event: { ...samples['checkpoint.restored'], source: 'none' as const, dataLossMs: 0 },
      lines: ['checkpoint_restores_total gmail none success 1'],
    },
    {
      event: { ...samples['checkpoint.restored'], source: 'none' as const },
      lines: ['checkpoint_restores_total gmail none success 1', 'rpo_achieved_seconds gmail 1.5'],
    },
  ])('measures only what has come to a good end: $lines', ({ event, lines }) => {
    expect(toMetrics(event).slice(1).map(line)).toEqual(lines);
  });

  it('has an exemplar of the span wherever the metric takes one, and none without a span', () => {
    const place = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) };
    const exemplar = { trace_id: place.traceId, span_id: place.spanId };
    for (const update of eventTypes.flatMap((type) => toMetrics(samples[type], place)))
      expect(update.exemplar, update.metric).toEqual(catalogue[update.metric].exemplar ? exemplar : undefined);
    expect(eventTypes.flatMap((type) => toMetrics(samples[type])).filter(({ exemplar: any }) => any)).toEqual([]);
  });

  it('never touches a gauge', () => {
    for (const { metric } of eventTypes.flatMap((type) => toMetrics(samples[type]))) {
      expect(catalogue[metric].type, metric).not.toBe('gauge');
    }
  });

  it('does not compile with a label that the metric does not have', () => {
    // @ts-expect-error `reason` is not one of its labels
    const wrong: MetricUpdate = { metric: 'paramedic_crash_reports_total', labels: { reason: 'crash' }, value: 1 };
    // @ts-expect-error there is no such outcome
    const worse: MetricUpdate = { metric: 'paramedic_crash_reports_total', labels: { outcome: 'maybe' }, value: 1 };
    expect([wrong, worse]).toHaveLength(2);
  });
});

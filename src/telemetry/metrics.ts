import {
  remediableActions,
  type EventOf,
  type RecoveryEvent,
  type RecoveryPhases,
  type TraceContext,
} from '../model/index.ts';
import { catalogue, type LabelsOf, type MetricUpdate } from './catalogue.ts';

/**
 * What an event changes in counters and histograms. Gauges are states: `toGauges` reads them at each scrape.
 * @param place a span that is exported, for the exemplars.
 */
export function toMetrics(event: RecoveryEvent, place?: TraceContext): MetricUpdate[] {
  const changes = specific(event);
  if (place) for (const [index, update] of changes.entries()) changes[index] = withExemplar(update, place);
  changes.unshift({ metric: 'paramedic_events_total', labels: { event: event.type }, value: 1 });
  return changes;
}

const withExemplar = (update: MetricUpdate, { traceId, spanId }: TraceContext): MetricUpdate =>
  catalogue[update.metric].exemplar ? { ...update, exemplar: { trace_id: traceId, span_id: spanId } } : update;

function specific(e: RecoveryEvent): MetricUpdate[] {
  switch (e.type) {
    case 'daemon.ticked':
      return [{ metric: 'paramedic_supervisor_tick_duration_seconds', labels: {}, value: e.durationMs / 1_000 }];
    case 'check.completed': {
      const { component, check, outcome: result } = e;
      const updates: MetricUpdate[] = [
        { metric: 'paramedic_health_checks_total', labels: { component, check, result }, value: 1 },
        {
          metric: 'paramedic_health_check_duration_seconds',
          labels: { component, check },
          value: e.durationMs / 1_000,
        },
      ];
      if (e.lateMs !== undefined)
        updates.push({ metric: 'paramedic_health_check_lateness_seconds', labels: {}, value: e.lateMs / 1_000 });
      return updates;
    }
    case 'component.crashed': {
      const labels = { component: e.component, type: e.crashType, error_type: e.errorType };
      return [{ metric: 'paramedic_crashes_total', labels, value: 1 }];
    }
    case 'component.failed':
      // Given up for another reason (an exit code, a fatal crash) is no escalation: nothing was used up.
      if (e.rule !== 'budget' && e.rule !== 'slow_loop') return [];
      return [{ metric: 'paramedic_restart_escalations_total', labels: { component: e.component }, value: 1 }];
    case 'crash.reported':
      return [{ metric: 'paramedic_crash_reports_total', labels: { outcome: 'success' }, value: 1 }];
    case 'crash.report_failed':
      return [{ metric: 'paramedic_crash_reports_total', labels: { outcome: 'failure' }, value: 1 }];
    case 'restart.finished': {
      const { component, reason, outcome } = e;
      const count: MetricUpdate = {
        metric: 'paramedic_restarts_total',
        labels: { component, reason, outcome },
        value: 1,
      };
      if (outcome === 'failure') return [count];
      return [
        count,
        { metric: 'paramedic_restart_duration_seconds', labels: { component }, value: e.durationMs / 1_000 },
      ];
    }
    case 'recovery.finished': {
      const { component, outcome } = e;
      const count: MetricUpdate = { metric: 'paramedic_recoveries_total', labels: { component, outcome }, value: 1 };
      if (outcome !== 'recovered') return [count];
      return [
        count,
        { metric: 'paramedic_rto_achieved_seconds', labels: { component }, value: e.durationMs / 1_000 },
        ...phaseDurations(e.phases),
      ];
    }
    case 'checkpoint.written': {
      const { component, trigger } = e;
      return [
        { metric: 'paramedic_checkpoints_total', labels: { component, trigger, outcome: 'success' }, value: 1 },
        { metric: 'paramedic_checkpoint_duration_seconds', labels: { component }, value: e.durationMs / 1_000 },
      ];
    }
    case 'checkpoint.write_failed': {
      const labels = { component: e.component, trigger: e.trigger, outcome: 'failure' } as const;
      return [{ metric: 'paramedic_checkpoints_total', labels, value: 1 }];
    }
    case 'checkpoint.corrupted':
    case 'checkpoint.lost':
      return [{ metric: 'paramedic_checkpoint_corruptions_total', labels: { component: e.component }, value: 1 }];
    case 'checkpoint.restored': {
      const { component, source, outcome, dataLossMs } = e;
      const count: MetricUpdate = {
        metric: 'paramedic_checkpoint_restores_total',
        labels: { component, source, outcome },
        value: 1,
      };
      // A first start has nothing to lose: it would only flatter the figure.
      if (outcome === 'failure' || (source === 'none' && dataLossMs === 0)) return [count];
      return [count, { metric: 'paramedic_rpo_achieved_seconds', labels: { component }, value: dataLossMs / 1_000 }];
    }
    case 'incident.opened': {
      const { severity, category, component } = e;
      return [{ metric: 'paramedic_incidents_total', labels: { severity, category, component }, value: 1 }];
    }
    case 'incident.acknowledged': {
      const { severity, by } = e;
      return [{ metric: 'paramedic_incident_acknowledge_seconds', labels: { severity, by }, value: e.afterMs / 1_000 }];
    }
    case 'incident.resolved': {
      const { severity } = e;
      return [{ metric: 'paramedic_incident_duration_seconds', labels: { severity }, value: e.durationMs / 1_000 }];
    }
    case 'breaker.transitioned': {
      const { breaker, to, trigger } = e;
      return [{ metric: 'paramedic_circuit_breaker_transitions_total', labels: { breaker, to, trigger }, value: 1 }];
    }
    case 'breaker.called': {
      const { breaker, result } = e;
      const count: MetricUpdate = {
        metric: 'paramedic_circuit_breaker_calls_total',
        labels: { breaker, result },
        value: 1,
      };
      if (result === 'rejected') return [count];
      return [
        count,
        {
          metric: 'paramedic_circuit_breaker_call_duration_seconds',
          labels: { breaker },
          value: e.durationMs / 1_000,
        },
      ];
    }
    case 'degradation.level_changed': {
      const { to, trigger } = e;
      return [{ metric: 'paramedic_degradation_transitions_total', labels: { to, trigger }, value: 1 }];
    }
    case 'degradation.lasted': {
      const { level, durationMs } = e;
      return [{ metric: 'paramedic_degradation_seconds_total', labels: { level }, value: durationMs / 1_000 }];
    }
    case 'webhook.answered':
      return webhookAnswered(e);
    case 'alert.received': {
      const { receiver, disposition, delayMs } = e;
      const count: MetricUpdate = {
        metric: 'paramedic_webhook_alerts_total',
        labels: { receiver, disposition },
        value: 1,
      };
      if (delayMs === null) return [count];
      return [
        count,
        { metric: 'paramedic_alert_delivery_delay_seconds', labels: { receiver }, value: delayMs / 1_000 },
      ];
    }
    case 'remediation.decided': {
      const { action, decision } = e;
      return [{ metric: 'paramedic_remediation_decisions_total', labels: { action, decision }, value: 1 }];
    }
    case 'remediation.finished': {
      const { outcome } = e;
      const action = remediableActions.find((name) => name === e.action);
      if (!action) return [];
      return [
        { metric: 'paramedic_remediation_executions_total', labels: { action, outcome }, value: 1 },
        { metric: 'paramedic_remediation_duration_seconds', labels: { action }, value: e.durationMs / 1_000 },
      ];
    }
    case 'fault.injected': {
      const { fault, component } = e;
      return [{ metric: 'paramedic_chaos_faults_injected_total', labels: { fault, component }, value: 1 }];
    }
    case 'experiment.finished': {
      const { experiment, outcome } = e;
      return [
        { metric: 'paramedic_chaos_experiments_total', labels: { experiment, outcome }, value: 1 },
        {
          metric: 'paramedic_chaos_experiment_duration_seconds',
          labels: { experiment },
          value: e.durationMs / 1_000,
        },
      ];
    }
    case 'telemetry.exported':
      return [{ metric: 'paramedic_telemetry_items_exported_total', labels: { sink: e.sink }, value: e.items }];
    case 'telemetry.dropped': {
      const { sink, reason } = e;
      return [{ metric: 'paramedic_telemetry_items_dropped_total', labels: { sink, reason }, value: e.items }];
    }
    case 'daemon.started':
    case 'daemon.stopped':
    case 'daemon.stalled':
    case 'config.reloaded':
    case 'config.rejected':
    case 'store.set_aside':
    case 'system.restarting':
    case 'system.recovered':
    case 'system.checkpointed':
    case 'system.restarted':
    case 'component.starting':
    case 'component.started':
    case 'component.start_failed':
    case 'component.adopted':
    case 'component.absent':
    case 'component.ready':
    case 'component.start_timed_out':
    case 'component.health_changed':
    case 'component.stopping':
    case 'component.stopped':
    case 'component.unkillable':
    case 'component.held':
    case 'component.released':
    case 'component.removed':
    case 'component.sampled':
    case 'check.changed':
    case 'check.tripped':
    case 'ping.received':
    case 'heartbeat.received':
    case 'host.sampled':
    case 'restart.decided':
    case 'recovery.started':
    case 'incident.updated':
    case 'degradation.pinned':
    case 'degradation.unpinned':
    case 'degradation.feature_changed':
    case 'degradation.command_finished':
    case 'degradation.recorded':
    case 'experiment.started':
    case 'fault.undone':
      return [];
    default:
      return e satisfies never;
  }
}

function webhookAnswered(e: EventOf<'webhook.answered'>): MetricUpdate[] {
  const { receiver, rejection } = e;
  const code = String(e.code) as LabelsOf<'paramedic_webhook_requests_total'>['code'];
  return [
    { metric: 'paramedic_webhook_requests_total', labels: { receiver, code }, value: 1 },
    { metric: 'paramedic_webhook_request_duration_seconds', labels: { receiver }, value: e.durationMs / 1_000 },
    { metric: 'paramedic_webhook_truncated_alerts_total', labels: { receiver }, value: e.truncated },
    ...(rejection === null
      ? []
      : [{ metric: 'paramedic_webhook_rejections_total', labels: { receiver, reason: rejection }, value: 1 } as const]),
  ];
}

const phaseDurations = ({ detectMs, decideMs, actMs, verifyMs }: RecoveryPhases): MetricUpdate[] =>
  (
    [
      ['detect', detectMs],
      ['decide', decideMs],
      ['act', actMs],
      ['verify', verifyMs],
    ] as const
  ).map(([phase, ms]) => ({ metric: 'paramedic_phase_duration_seconds', labels: { phase }, value: ms / 1_000 }));

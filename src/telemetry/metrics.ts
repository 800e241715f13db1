import type { RecoveryEvent, RecoveryPhases } from '../model/index.ts';
import type { MetricUpdate } from './catalogue.ts';

/** What an event changes in counters and histograms. Gauges are states: `toGauges` reads them at each scrape. */
export function toMetrics(event: RecoveryEvent): MetricUpdate[] {
  return [{ metric: 'paramedic_events_total', labels: { event: event.type }, value: 1 }, ...specific(event)];
}

function specific(e: RecoveryEvent): MetricUpdate[] {
  switch (e.type) {
    case 'daemon.ticked':
      return [{ metric: 'paramedic_supervisor_tick_duration_seconds', labels: {}, value: e.durationMs / 1_000 }];
    case 'check.completed': {
      const labels = { component: e.component, check: e.check };
      return [
        { metric: 'paramedic_health_checks_total', labels: { ...labels, result: e.outcome }, value: 1 },
        { metric: 'paramedic_health_check_duration_seconds', labels, value: e.durationMs / 1_000 },
      ];
    }
    case 'component.crashed': {
      const labels = { component: e.component, type: e.crashType, error_type: e.errorType };
      return [{ metric: 'paramedic_crashes_total', labels, value: 1 }];
    }
    case 'component.failed':
      // Given up for another reason (an exit code, a fatal crash) is no escalation: the budget was not used up.
      if (e.rule !== 'budget') return [];
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
    case 'daemon.started':
    case 'daemon.stopped':
    case 'config.reloaded':
    case 'config.rejected':
    case 'store.set_aside':
    case 'component.starting':
    case 'component.started':
    case 'component.start_failed':
    case 'component.adopted':
    case 'component.ready':
    case 'component.start_timed_out':
    case 'component.health_changed':
    case 'component.stopping':
    case 'component.stopped':
    case 'component.held':
    case 'component.released':
    case 'component.removed':
    case 'component.sampled':
    case 'check.changed':
    case 'check.tripped':
    case 'heartbeat.received':
    case 'host.sampled':
    case 'restart.decided':
    case 'recovery.started':
      return [];
    default:
      return e satisfies never;
  }
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

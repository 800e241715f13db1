import type { RecoveryEvent } from '../../model/index.ts';
import type { DrawingContext } from './context.ts';
import { experimentSpans } from './experiment.ts';
import { incidentSpan } from './incident.ts';
import { recoverySpans } from './recovery.ts';
import { executionSpan, refusalSpan } from './remediation.ts';
import { checkpointSpan, checkSpan, degradationSpan, transitionSpan, webhookSpan } from './single.ts';
import type { Span } from './span.ts';
import { startAlone, startCutShort } from './start.ts';

/**
 * The spans that end with an event, its own first: what lasts is drawn when it is over, from what is stored of it.
 * Pure: drawn again, by whichever daemon, they are the same.
 */
export function toSpans(event: RecoveryEvent, context: DrawingContext): Span[] {
  switch (event.type) {
    case 'recovery.finished':
      return recoverySpans(event, context);
    case 'incident.resolved':
      return [incidentSpan(event, context)];
    case 'component.ready':
    case 'component.start_failed':
    case 'component.start_timed_out':
      return startAlone(event, context);
    case 'component.crashed':
      return startCutShort(event, context);
    case 'check.completed':
      return [checkSpan(event, context)];
    case 'checkpoint.written':
      return [checkpointSpan(event)];
    case 'breaker.transitioned':
      return [transitionSpan(event)];
    case 'degradation.level_changed':
      return [degradationSpan(event, context)];
    case 'webhook.answered':
      return [webhookSpan(event)];
    case 'remediation.decided':
      return event.decision === 'execute' || event.decision === 'pending_approval' ? [] : [refusalSpan(event)];
    case 'remediation.finished':
      return executionSpan(event, context);
    case 'experiment.finished':
      return experimentSpans(event, context);
    case 'daemon.started':
    case 'daemon.stopped':
    case 'daemon.ticked':
    case 'daemon.stalled':
    case 'config.reloaded':
    case 'config.rejected':
    case 'store.set_aside':
    case 'system.restarting':
    case 'system.restarted':
    case 'system.recovered':
    case 'system.checkpointed':
    case 'component.starting':
    case 'component.started':
    case 'component.adopted':
    case 'component.absent':
    case 'component.health_changed':
    case 'component.stopping':
    case 'component.stopped':
    case 'component.unkillable':
    case 'component.failed':
    case 'component.held':
    case 'component.released':
    case 'component.removed':
    case 'component.sampled':
    case 'crash.reported':
    case 'crash.report_failed':
    case 'check.changed':
    case 'check.tripped':
    case 'ping.received':
    case 'heartbeat.received':
    case 'host.sampled':
    case 'restart.decided':
    case 'restart.finished':
    case 'recovery.started':
    case 'checkpoint.write_failed':
    case 'checkpoint.corrupted':
    case 'checkpoint.restored':
    case 'checkpoint.lost':
    case 'incident.opened':
    case 'incident.updated':
    case 'incident.acknowledged':
    case 'breaker.called':
    case 'degradation.pinned':
    case 'degradation.unpinned':
    case 'degradation.feature_changed':
    case 'degradation.command_finished':
    case 'degradation.recorded':
    case 'degradation.lasted':
    case 'alert.received':
    case 'experiment.started':
    case 'fault.injected':
    case 'fault.undone':
    case 'telemetry.exported':
    case 'telemetry.dropped':
      return [];
    default:
      return event satisfies never;
  }
}

/** The stored events that `toSpans` draws from: what a daemon that comes back looks for. */
export const drawnFrom = [
  'recovery.finished',
  'incident.resolved',
  'component.ready',
  'component.start_failed',
  'component.start_timed_out',
  'checkpoint.written',
  'breaker.transitioned',
  'degradation.level_changed',
  'remediation.decided',
  'remediation.finished',
  'experiment.finished',
] as const;

import { epochMs, isFailure, type DegradationLevel, type EventOf, type RecoveryEvent } from '../../model/index.ts';
import {
  checkPlace,
  checkpointPlace,
  derivedPlace,
  incidentPlace,
  ownPlace,
  recoveryPlace,
  remediationPlace,
} from '../trace-ids.ts';
import type { DrawingContext } from './context.ts';
import { verifyPlace } from './recovery.ts';
import { draw, type Span } from './span.ts';

/** One run of a check: under the verification that it is part of, else a trace of its own. */
export function checkSpan(event: EventOf<'check.completed'>, { verifying }: DrawingContext): Span {
  const { component, check, kind, outcome, message, durationMs, at } = event;
  const under = verifying(component);
  const verify = under && verifyPlace(recoveryPlace(under.recovery, under.incident));
  const place = verify
    ? derivedPlace(verify.traceId, `${component}/${check}`, 'paramedic.health_check', at)
    : checkPlace(event);
  return draw(place, {
    name: 'paramedic.health_check',
    parentId: verify ? verify.spanId : null,
    from: at - durationMs,
    to: at,
    errorType: isFailure(outcome) ? outcome : null,
    attributes: {
      'paramedic.component.name': component,
      'paramedic.check.name': check,
      'paramedic.check.kind': kind,
      'paramedic.check.result': outcome,
      'paramedic.check.message': isFailure(outcome) ? message : null,
    },
  });
}

export function checkpointSpan(event: EventOf<'checkpoint.written'>): Span {
  const { component, checkpoint, trigger, sizeBytes, durationMs, at, incident } = event;
  return draw(checkpointPlace(checkpoint), {
    name: 'paramedic.checkpoint.write',
    parentId: null,
    from: at - durationMs,
    to: at,
    attributes: {
      'paramedic.component.name': component,
      'paramedic.checkpoint.id': checkpoint,
      'paramedic.checkpoint.trigger': trigger,
      'paramedic.checkpoint.size_by': sizeBytes,
    },
    links: incident === undefined ? [] : [incidentPlace(incident)],
  });
}

/** From the first failure that was counted until the state changed. */
export function transitionSpan(event: EventOf<'breaker.transitioned'>): Span {
  const { breaker, from, to, trigger, reason, caller, firstFailureAt, at, incident } = event;
  const id = `${breaker}/${at}/${from}/${to}`;
  const name = 'paramedic.circuit_breaker.transition';
  return draw(incident === undefined ? ownPlace(id) : derivedPlace(incident, id, name, 0), {
    name,
    parentId: incident === undefined ? null : incidentPlace(incident).spanId,
    from: firstFailureAt === null ? at : Math.min(firstFailureAt, at),
    to: at,
    attributes: {
      'paramedic.circuit_breaker.name': breaker,
      'paramedic.circuit_breaker.from': from,
      'paramedic.circuit_breaker.to': to,
      'paramedic.circuit_breaker.trigger': trigger,
      'paramedic.circuit_breaker.reason': reason,
      'paramedic.component.name': caller,
    },
  });
}

/** An alert is answered at once. */
const ASKED_WITHIN_MS = 60_000;

const asksFor = (event: RecoveryEvent, level: DegradationLevel): boolean =>
  event.type === 'remediation.decided' &&
  event.decision === 'execute' &&
  event.action === 'degrade' &&
  [level, 'auto'].includes(String(event.parameters['level']));

/** A moment, under the remediation that asked for it; the machine and a person ask by themselves. */
export function degradationSpan(event: EventOf<'degradation.level_changed'>, { since }: DrawingContext): Span {
  const { from, to, trigger, reason, at } = event;
  const id = `degradation/${at}/${from}/${to}`;
  const name = 'paramedic.degradation.change';
  const asked =
    trigger === 'alert'
      ? since(['remediation.decided'], epochMs(at - ASKED_WITHIN_MS)).findLast((one) => asksFor(one, to))
      : undefined;
  const under = asked?.type === 'remediation.decided' ? remediationPlace(asked.remediation, asked.trace) : null;
  return draw(under ? derivedPlace(under.traceId, id, name, 0) : ownPlace(id), {
    name,
    parentId: under ? under.spanId : null,
    from: at,
    to: at,
    attributes: {
      'paramedic.degradation.from': from,
      'paramedic.degradation.to': to,
      'paramedic.degradation.trigger': trigger,
      'paramedic.degradation.reason': reason,
    },
  });
}

/** Refusals are the caller's fault: only what we could not do is a failure of the span. */
export function webhookSpan(event: EventOf<'webhook.answered'>): Span {
  const { receiver, code, rejection, durationMs, at, trace, parent } = event;
  const route = `/webhooks/${receiver}`;
  return draw(trace, {
    name: `POST ${route}`,
    kind: 'server',
    parentId: parent?.traceId === trace.traceId ? parent.spanId : null,
    from: at - durationMs,
    to: at,
    errorType: code >= 500 ? String(code) : null,
    attributes: {
      'http.request.method': 'POST',
      'http.route': route,
      'http.response.status_code': code,
      'user_agent.original': event.userAgent === '' ? null : event.userAgent,
      'paramedic.alerts.count': event.alerts,
      'paramedic.alerts.truncated': event.truncated,
      'paramedic.alert.group_key': event.groupKey === '' ? null : event.groupKey,
      'paramedic.webhook.rejection': rejection,
    },
  });
}

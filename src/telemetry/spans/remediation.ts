import { iso } from '../../format.ts';
import type { EventOf } from '../../model/index.ts';
import { recoveryPlace, remediationPlace } from '../trace-ids.ts';
import type { DrawingContext } from './context.ts';
import { draw, type Span } from './span.ts';

/** How long before its end a remediation may have been decided: it may have waited for its turn. */
const WAITED_MS = 600_000;

/** What was asked for and is not carried out: told at the moment of the decision. */
export const refusalSpan = (decided: EventOf<'remediation.decided'>): Span => remediationSpan(decided, null, []);

export function executionSpan(finished: EventOf<'remediation.finished'>, { since, timeline }: DrawingContext): Span[] {
  const { remediation, component, at, durationMs } = finished;
  const from = (at - durationMs - WAITED_MS) as typeof at;
  const decided = since(['remediation.decided'], from).findLast(
    (event) => event.type === 'remediation.decided' && event.remediation === remediation,
  );
  if (decided?.type !== 'remediation.decided') return [];
  const { incident } = decided;
  const started = [...(incident === undefined ? [] : timeline(incident)), ...since(['recovery.started'], decided.at)];
  const recovery = started.findLast(
    (event) => event.type === 'recovery.started' && event.component === component && event.at <= at,
  );
  const links = recovery?.type === 'recovery.started' ? [recoveryPlace(recovery.recovery, recovery.incident)] : [];
  return [remediationSpan(decided, finished, links)];
}

function remediationSpan(
  decided: EventOf<'remediation.decided'>,
  finished: EventOf<'remediation.finished'> | null,
  links: Span['links'],
): Span {
  const { remediation, action, component, decision, why, alert, trace } = decided;
  const outcome = finished?.outcome ?? null;
  return draw(remediationPlace(remediation, trace), {
    name: 'paramedic.remediation',
    parentId: trace.spanId,
    from: decided.at,
    to: finished?.at ?? decided.at,
    errorType: outcome === 'success' || outcome === 'cancelled' ? null : outcome,
    links,
    attributes: {
      'paramedic.remediation.id': remediation,
      'paramedic.action.name': action,
      'paramedic.action.target': component,
      'paramedic.action.decision': decision,
      'paramedic.action.outcome': outcome,
      'paramedic.remediation.why': why === '' ? null : why,
      'paramedic.alert.name': alert.name,
      'paramedic.alert.fingerprint': alert.fingerprint,
      'paramedic.alert.starts_at': iso(alert.startsAt),
      'paramedic.idempotency_key': `${alert.fingerprint}|${alert.startsAt}|${alert.status}`,
    },
  });
}

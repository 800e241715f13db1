import type { EventOf, TraceContext } from '../../model/index.ts';
import { checkpointPlace, derivedPlace, startPlace } from '../trace-ids.ts';
import { endOf, failureOf, type Attempt, type Stop } from './attempts.ts';
import { draw, inSeconds, type Span } from './span.ts';

/** `paramedic.restart` with stop, start, ready and what was given back to the component. */
export function restartSpans(attempt: Attempt, act: TraceContext, budget: number | undefined): Span[] {
  const { starting, decided, stop, exit, spawned } = attempt;
  const { traceId } = act;
  const { incarnation } = starting;
  const place = derivedPlace(traceId, incarnation, 'paramedic.restart', 0);
  const { decision } = decided ?? {};
  return [
    draw(place, {
      name: 'paramedic.restart',
      parentId: act.spanId,
      from: (stop?.stopping ?? starting).at,
      to: endOf(attempt),
      errorType: failureOf(attempt),
      attributes: {
        'paramedic.component.name': starting.component,
        'paramedic.restart.attempt': starting.attempt,
        'paramedic.restart.reason': starting.reason,
        'paramedic.restart.strategy': decision?.rule,
        'paramedic.restart.backoff_s': decision?.kind === 'restart' ? inSeconds(decision.delayMs) : null,
        'paramedic.restart.budget.limit': budget,
        'process.pid': spawned?.process?.pid,
        'process.exit.code': exit?.code,
        'paramedic.process.exit.signal': exit?.signal,
      },
    }),
    ...(stop ? [stopSpan(stop, place)] : []),
    ...startSpans(attempt, place),
    ...attempt.restored.map((event, n) => restoreSpan(event, place, n)),
  ];
}

export function stopSpan({ stopping, end }: Stop, { traceId, spanId }: TraceContext): Span {
  return draw(derivedPlace(traceId, stopping.incarnation, 'paramedic.stop', 0), {
    name: 'paramedic.stop',
    parentId: spanId,
    from: stopping.at,
    to: end?.at ?? stopping.at,
    attributes: {
      'paramedic.stop.forced': end?.type === 'component.stopped' ? end.forced : null,
      'paramedic.stop.reason': stopping.why,
    },
  });
}

/** `paramedic.start`: until there is a process; `paramedic.ready`: from then until it is verified healthy. */
function startSpans(attempt: Attempt, { traceId, spanId: parentId }: TraceContext): Span[] {
  const { starting, spawned, ready } = attempt;
  const error = failureOf(attempt);
  const start = draw(
    { traceId, spanId: startPlace(starting.incarnation, starting.incident).spanId },
    {
      name: 'paramedic.start',
      parentId,
      from: starting.at,
      to: spawned?.at ?? endOf(attempt),
      errorType: spawned ? null : error,
      attributes: { 'paramedic.component.name': starting.component, 'process.pid': spawned?.process?.pid },
    },
  );
  if (!spawned) return [start];
  const verification = draw(derivedPlace(traceId, starting.incarnation, 'paramedic.ready', 0), {
    name: 'paramedic.ready',
    parentId,
    from: spawned.at,
    to: endOf(attempt),
    errorType: error,
    attributes: { 'paramedic.checks': ready?.checks.join(',') },
  });
  return [start, verification];
}

/** Told at one moment: how long it took is known to the component alone. */
function restoreSpan(event: EventOf<'checkpoint.restored'>, restart: TraceContext, n: number): Span {
  const { checkpoint, source, outcome, entriesReplayed, dataLossMs } = event;
  return draw(derivedPlace(restart.traceId, restart.spanId, 'paramedic.checkpoint.restore', n), {
    name: 'paramedic.checkpoint.restore',
    parentId: restart.spanId,
    from: event.at,
    to: event.at,
    errorType: outcome === 'failure' ? 'restore_failed' : null,
    attributes: {
      'paramedic.checkpoint.id': checkpoint,
      'paramedic.checkpoint.source': source,
      'paramedic.checkpoint.entries_replayed': entriesReplayed,
      'paramedic.checkpoint.age_s': inSeconds(dataLossMs),
    },
    links: checkpoint === null ? [] : [checkpointPlace(checkpoint)],
  });
}

import type { EventOf } from '../../model/index.ts';
import { derivedPlace, incidentPlace, startPlace } from '../trace-ids.ts';
import { failureOf } from './attempts.ts';
import type { DrawingContext } from './context.ts';
import { draw, type Span } from './span.ts';

type EndOfStart = EventOf<'component.ready'> | EventOf<'component.start_failed'> | EventOf<'component.start_timed_out'>;

/**
 * A start that belongs to no recovery (a boot, a reload): the root of a trace of its own, or a child of the incident
 * that was open then. It lasts until it is ready, so that it spans its trace.
 */
export function startAlone(event: EndOfStart, { lastOf, timeline }: DrawingContext): Span[] {
  const { component, incarnation, at } = event;
  const isIts = (other: { incarnation: string } | undefined) => other?.incarnation === incarnation;
  const newest = lastOf('component.starting', component);
  const starting = isIts(newest) ? newest : undefined;
  const incident = starting ? starting.incident : incidentOf(event, timeline);
  if (incident !== undefined && isRecovering(timeline(incident), event)) return [];

  const place = startPlace(incarnation, incident);
  const made = lastOf('component.started', component);
  const started = isIts(made) ? made : undefined;
  const lasted = event.type === 'component.ready' ? event.startupMs : 0;
  const from = starting?.at ?? at - lasted;
  const errorType = failureOf({ failure: event.type === 'component.ready' ? undefined : event });
  return [
    draw(place, {
      name: 'paramedic.start',
      parentId: incident === undefined ? null : incidentPlace(incident).spanId,
      from,
      to: at,
      errorType,
      attributes: {
        'paramedic.component.name': component,
        'paramedic.restart.reason': starting?.reason,
        'process.pid': started?.process?.pid,
      },
    }),
    ...(event.type === 'component.ready'
      ? [
          draw(derivedPlace(place.traceId, incarnation, 'paramedic.ready', 0), {
            name: 'paramedic.ready',
            parentId: place.spanId,
            from: started?.at ?? from,
            to: at,
            attributes: { 'paramedic.checks': event.checks.join(',') },
          }),
        ]
      : []),
  ];
}

/** What had run for longer had been ready, though the store may have forgotten. */
const LONGEST_START_MS = 3_600_000;

/** A start outside any incident whose process ended before it was ready: nothing else will ever tell of it. */
export function startCutShort(crash: EventOf<'component.crashed'>, { lastOf, timeline }: DrawingContext): Span[] {
  const { component, incarnation, incident, at, uptimeMs, errorType } = crash;
  const wasReady = lastOf('component.ready', component)?.incarnation === incarnation || uptimeMs > LONGEST_START_MS;
  if (wasReady || incident === undefined || incidentOf(crash, timeline) !== undefined) return [];
  return [
    draw(startPlace(incarnation, undefined), {
      name: 'paramedic.start',
      parentId: null,
      from: at - uptimeMs,
      to: at,
      errorType,
      attributes: { 'paramedic.component.name': component },
      links: [incidentPlace(incident)],
    }),
  ];
}

/** The incident that was open when the start began: its end may have opened one. */
function incidentOf(end: EndOfStart | EventOf<'component.crashed'>, timeline: DrawingContext['timeline']) {
  const { incident, incarnation } = end;
  if (incident === undefined) return undefined;
  const within = timeline(incident).some(
    (event) => event.type === 'component.starting' && event.incarnation === incarnation,
  );
  return within ? incident : undefined;
}

/** The start happened within a recovery: that one draws it. */
function isRecovering(
  timeline: ReturnType<DrawingContext['timeline']>,
  { component, incarnation }: EndOfStart,
): boolean {
  let recovering = false;
  for (const event of timeline) {
    if (!('component' in event) || event.component !== component) continue;
    if (event.type === 'recovery.started') recovering = true;
    if (event.type === 'recovery.finished') recovering = false;
    if (event.type === 'component.starting' && event.incarnation === incarnation) return recovering;
  }
  return false;
}

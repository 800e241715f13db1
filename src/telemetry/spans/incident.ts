import type { EventOf, EventType, RecoveryEvent } from '../../model/index.ts';
import { incidentPlace } from '../trace-ids.ts';
import type { DrawingContext } from './context.ts';
import { draw, type Attributes, type Span, type SpanEvent } from './span.ts';

/** More tell nothing new; the newest stay. */
const MOST_EVENTS = 128;

/** The root of an incident's trace, with all that happened in it. */
export function incidentSpan(resolved: EventOf<'incident.resolved'>, { timeline, facts }: DrawingContext): Span {
  const { incident, component, severity } = resolved;
  const events = timeline(incident);
  const opened = events.find((event) => event.type === 'incident.opened' && event.incident === incident);
  const first = opened?.type === 'incident.opened' ? opened : undefined;
  const updated = events.findLast((event) => event.type === 'incident.updated');
  return draw(incidentPlace(incident), {
    name: 'paramedic.incident',
    parentId: null,
    from: first?.startedAt ?? resolved.at - resolved.durationMs,
    to: resolved.at,
    attributes: {
      'paramedic.incident.id': incident,
      'paramedic.incident.severity': severity,
      'paramedic.incident.category': first?.category,
      'paramedic.incident.title': first?.title,
      'paramedic.incident.signature': first?.signature,
      'paramedic.incident.repeats': updated?.type === 'incident.updated' ? updated.repeats : 0,
      'paramedic.incident.resolved_by': resolved.by,
      'paramedic.incident.resolution': resolved.resolution,
      'paramedic.component.name': component,
      'paramedic.component.criticality': facts(component)?.priority,
      'paramedic.circuit_breaker.name': first?.breaker,
    },
    events: events.flatMap(toSpanEvent).slice(-MOST_EVENTS),
    links: first?.previous ? [incidentPlace(first.previous)] : [],
  });
}

function toSpanEvent(event: RecoveryEvent): SpanEvent[] {
  const said = saying[event.type];
  if (said === undefined) return [];
  const attributes = said.flatMap((key) => {
    const value = (event as unknown as Record<string, unknown>)[key];
    return typeof value === 'string' || typeof value === 'number' ? [[`paramedic.${snake(key)}`, value] as const] : [];
  });
  return [
    { name: `paramedic.${event.type}`, atMs: event.at, attributes: Object.fromEntries(attributes) as Attributes },
  ];
}

const snake = (key: string): string => key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** What of an incident's events is worth a mark on its span, and with which of their fields. */
const saying: { readonly [T in EventType]?: readonly (keyof EventOf<T> & string)[] } = {
  'check.tripped': ['check', 'outcome', 'message'],
  'component.crashed': ['crash', 'crashType', 'errorType'],
  'component.start_failed': ['why'],
  'component.start_timed_out': ['afterMs'],
  'component.adopted': [],
  'component.ready': [],
  'component.stopped': [],
  'component.unkillable': ['pid', 'processState', 'afterMs'],
  'component.failed': ['rule', 'why'],
  'component.health_changed': ['from', 'to', 'why'],
  'component.held': ['by'],
  'component.released': ['by'],
  'checkpoint.corrupted': ['checkpoint', 'why'],
  'checkpoint.lost': ['why'],
  'breaker.transitioned': ['breaker', 'from', 'to', 'reason'],
  'remediation.decided': ['remediation', 'action', 'decision', 'why'],
  'incident.opened': ['title', 'description'],
  'incident.updated': ['severity', 'repeats', 'why'],
  'incident.acknowledged': ['by'],
  'fault.injected': ['run', 'fault'],
};

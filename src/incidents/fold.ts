import type { Incident, RecoveryEvent } from '../model/index.ts';

/**
 * The incident after one more of its events: pure, so that what a boot reads is what the daemon before it knew.
 * undefined before `incident.opened`.
 */
export function fold(incident: Incident | undefined, event: RecoveryEvent): Incident | undefined {
  if (event.type === 'incident.opened') {
    const { incident: id, component, breaker, severity, category, title, description, signature, startedAt } = event;
    const about = { id, component, breaker, severity, category, title, description, signature, startedAt };
    const beginning = { openedAt: event.at, previous: event.previous, repeats: 0 };
    return { ...about, ...beginning, acknowledged: null, resolved: null, recovering: null };
  }
  if (!incident) return undefined;
  if (event.type === 'incident.updated') return { ...incident, severity: event.severity, repeats: event.repeats };
  if (event.type === 'incident.acknowledged') return { ...incident, acknowledged: { at: event.at, by: event.by } };
  if (event.type === 'incident.resolved')
    return { ...incident, resolved: { at: event.at, by: event.by, resolution: event.resolution } };
  if (event.type === 'recovery.started') return { ...incident, recovering: event.recovery };
  if (event.type === 'recovery.finished') return { ...incident, recovering: null };
  return incident;
}

import { iso } from '../format.ts';
import type { EventOf } from '../model/index.ts';
import { formatDuration } from '../units.ts';
import type { Fold } from './folds.ts';
import type { Letter } from './letter.ts';
import type { Tellable } from './occasion.ts';

/** What goes out, as JSON. Unknown kinds and fields may come: readers skip them. */
export interface Notification {
  readonly version: '1';
  readonly id: string;
  readonly kind: 'crash' | 'failed' | 'restart' | 'incident.opened' | 'incident.updated' | 'incident.resolved';
  readonly timestamp: string;
  readonly host: string;
  readonly component: string;
  readonly severity: string;
  readonly title: string;
  readonly message: string;
  readonly incident_id: string | null;
  /** How many crashes, or further incidents, it tells of. */
  readonly count?: number;
  readonly last_at?: string;
  readonly crash_id?: string;
  /** Type of the crash. */
  readonly type?: string;
  /** The whole crash report, secrets masked; null: there is none (any more). */
  readonly report?: unknown;
}

type Told = Pick<Notification, 'kind' | 'component' | 'severity' | 'title' | 'message'> & Partial<Notification>;

export interface Surroundings {
  readonly host: string;
  readonly mask: (text: string) => string;
  readonly report: unknown;
}

export function toNotification({ id, event, fold }: Letter, { host, mask, report }: Surroundings): Notification {
  const { title, message, ...told } = fold ? tellFold(fold) : tell(event, report);
  return {
    version: '1',
    id,
    timestamp: iso(event.at),
    host,
    incident_id: event.incident ?? null,
    ...told,
    title: mask(title),
    message: mask(message),
  };
}

function tell(e: Tellable, report: unknown): Told {
  switch (e.type) {
    case 'component.crashed': {
      const { component, severity, crash: crash_id, crashType: type } = e;
      const title = `${component} crashed: ${type}`;
      return { kind: 'crash', component, severity, title, message: said(e, report), count: 1, crash_id, type, report };
    }
    case 'daemon.stalled': {
      const message = `the main thread stood still for ${formatDuration(e.stalledMs)}`;
      const told = { component: 'paramedic', severity: 'high', title: 'paramedic itself hung', message };
      return { kind: 'crash', ...told, count: 1, crash_id: e.crash, type: e.crashType, report };
    }
    case 'component.failed': {
      const title = `${e.component} has failed and stays down`;
      return { kind: 'failed', component: e.component, severity: 'critical', title, message: e.why };
    }
    case 'restart.finished': {
      const [severity, how] = e.outcome === 'success' ? ['info', 'was restarted'] : ['high', 'could not be restarted'];
      const message = `${e.reason}, after ${formatDuration(e.durationMs)}`;
      return { kind: 'restart', component: e.component, severity, title: `${e.component} ${how}`, message };
    }
    case 'incident.opened':
      return ofIncident('incident.opened', e.component, e.severity, e.title, e.description);
    case 'incident.updated':
      return ofIncident(
        'incident.updated',
        e.component,
        e.severity,
        `An incident of ${e.component} is now ${e.severity}`,
        e.why,
      );
    case 'incident.resolved':
      return ofIncident(
        'incident.resolved',
        e.component,
        e.severity,
        `An incident of ${e.component} is resolved`,
        e.resolution,
      );
    default:
      return e satisfies never;
  }
}

const ofIncident = (
  kind: Notification['kind'],
  component: string,
  severity: string,
  title: string,
  message: string,
) => ({
  kind,
  component,
  severity,
  title,
  message,
});

function tellFold({ head, more, lastAt }: Fold): Told {
  const { component, severity } = head;
  const span = `within ${formatDuration(lastAt - head.at)}`;
  const told = { component, severity, count: more, last_at: iso(lastAt) };
  if (head.type === 'incident.opened') {
    const title = `${component}: ${more} more incident${more === 1 ? '' : 's'} like "${head.title}"`;
    return { ...told, kind: 'incident.opened', title, message: `like ${head.incident}, ${span}` };
  }
  const { crash: crash_id, crashType: type } = head;
  const title = `${component} crashed ${more} more time${more === 1 ? '' : 's'}: ${type}`;
  return { ...told, kind: 'crash', title, message: `like ${crash_id}, ${span}`, crash_id, type };
}

/** The sentence of the error itself, when the report has one. */
function said(e: EventOf<'component.crashed'>, report: unknown): string {
  const { exception_type, exception_message } = (report ?? {}) as Record<string, unknown>;
  if (typeof exception_message === 'string' && exception_message !== '')
    return [exception_type, exception_message].filter((part) => typeof part === 'string').join(': ');
  const how = e.exit.signal ?? (e.exit.code === null ? 'nobody knows how' : `exit code ${e.exit.code}`);
  return `ended (${how}) after ${formatDuration(e.uptimeMs)}`;
}

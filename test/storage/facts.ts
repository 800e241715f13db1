import { systemClock, type Clock } from '../../src/clock.ts';
import {
  componentName,
  epochMs,
  type ComponentRecord,
  type CrashId,
  type EventOf,
  type Incident,
  type IncidentId,
  type IncarnationId,
} from '../../src/model/index.ts';
import { openEventStore } from '../../src/storage/create-event-store.ts';

export const planner = componentName('planner');
export const writer = componentName('writer');
const at = epochMs(Date.UTC(2026, 10, 23));

/** An event of each durability. */
export const decided = (component = planner, when = at): EventOf<'component.held'> => ({
  type: 'component.held',
  at: when,
  component,
  by: 'person',
});
export const observed = (component = planner, why = 'slow'): EventOf<'component.health_changed'> => ({
  type: 'component.health_changed',
  at,
  component,
  from: 'healthy',
  to: 'degraded',
  why,
});
export const passing: EventOf<'daemon.ticked'> = { type: 'daemon.ticked', at, durationMs: 1 };

export const crashed = (crash: string, component = planner): EventOf<'component.crashed'> => ({
  type: 'component.crashed',
  at,
  component,
  incarnation: 'a'.repeat(32) as IncarnationId,
  crash: crash as CrashId,
  crashType: 'unknown',
  severity: 'high',
  errorType: 'Error',
  exit: { code: 1, signal: null },
  uptimeMs: 1,
  signature: 's',
});
export const reported = (crash: string, component = planner): EventOf<'crash.reported'> => ({
  type: 'crash.reported',
  at,
  component,
  crash: crash as CrashId,
  file: `/crashes/${crash}.json`,
});

export const record = (component = planner, crashes = 0): ComponentRecord => ({
  component,
  state: { is: 'stopped', since: at, why: '', settled: true },
  held: false,
  recovery: null,
  attempts: 0,
  crashes,
  lastCrashAt: null,
  totalRestarts: 0,
  nextStartAt: null,
  mayRun: false,
  readyAt: null,
  healthySince: null,
  lastEndAt: null,
  startedAt: null,
});

export const incident = (id: string, openedAt: number, component = planner): Incident => ({
  id: id as IncidentId,
  component,
  breaker: null,
  severity: 'critical',
  category: 'crash',
  title: 'it crashed',
  description: '',
  signature: 's',
  startedAt: epochMs(openedAt),
  openedAt: epochMs(openedAt),
  acknowledged: null,
  resolved: null,
  repeats: 0,
  recovering: null,
  previous: null,
});

/** The store of a file, with the errors it told of, and `writable` for each end of them. */
export function open(file: string, clock: Clock = systemClock) {
  const errors: unknown[] = [];
  const deps = { clock, onError: (error: unknown) => errors.push(error), onWritable: () => errors.push('writable') };
  return { ...openEventStore(file, deps), errors };
}

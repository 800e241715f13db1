import {
  componentName,
  epochMs,
  type CheckpointId,
  type ComponentEvent,
  type CrashId,
  type EventOf,
  type EventType,
  type ExperimentRunId,
  type IncarnationId,
  type IncidentId,
  type RecoveryEvent,
  type RecoveryId,
} from '../../../src/model/index.ts';
import { defaultObjectives } from '../../../src/telemetry/index.ts';
import type { DrawingContext } from '../../../src/telemetry/spans/context.ts';
import type { Span } from '../../../src/telemetry/spans/span.ts';

/** Second zero of every story. */
export const T0 = Date.UTC(2026, 10, 23, 12);
export const at = (seconds: number) => epochMs(T0 + seconds * 1_000);
export const gmail = componentName('gmail');
export const incident = 'd'.repeat(32) as IncidentId;
export const recovery = 'b'.repeat(32) as RecoveryId;
export const run = 'EXP-20261123-120000-1A2B3C4D' as ExperimentRunId;
export const checkpoint = 'CP-20261123-120000-1A2B3C4D' as CheckpointId;
export const life = (n: number) => String(n).repeat(32) as IncarnationId;

const process = (pid: number) => ({ pid, startTime: 1, bootId: 'boot' });

type Told<T extends EventType> = Omit<EventOf<T>, 'type' | 'at' | 'component' | 'incident'>;

/** One event of gmail's, `seconds` after the beginning, in the incident. */
export const tell = <T extends ComponentEvent['type']>(seconds: number, type: T, fields: Told<T>): RecoveryEvent =>
  ({ type, at: at(seconds), component: gmail, incident, ...fields }) as unknown as RecoveryEvent;

export const crashed = (seconds: number, n: number) =>
  tell(seconds, 'component.crashed', {
    incarnation: life(n),
    crash: 'CRASH-20261123-120000-1A2B3C4D' as CrashId,
    crashType: 'external_termination',
    severity: 'high',
    errorType: 'SIGKILL',
    exit: { code: null, signal: 'SIGKILL' },
    uptimeMs: 5_000,
    signature: 's',
  });
export const opened = (seconds: number, previous: IncidentId | null = null) =>
  tell(seconds, 'incident.opened', {
    severity: 'critical',
    category: 'crash',
    title: 'gmail crashed',
    description: 'SIGKILL',
    signature: 's',
    startedAt: at(seconds - 1),
    breaker: null,
    previous,
  } as Told<'incident.opened'>);
export const decided = (seconds: number, delayMs = 0, attempt = 1) =>
  tell(seconds, 'restart.decided', {
    reason: 'crash',
    by: 'supervisor',
    decision: { kind: 'restart', rule: 'exponential_backoff', delayMs, attempt },
    counted: true,
  });
export const begun = (seconds: number) =>
  tell(seconds, 'recovery.started', { recovery, reason: 'crash', detectedAt: at(seconds) });
export const starting = (seconds: number, n: number) =>
  tell(seconds, 'component.starting', { incarnation: life(n), reason: 'crash', attempt: n });
export const started = (seconds: number, n: number) =>
  tell(seconds, 'component.started', { incarnation: life(n), process: process(n) });
export const ready = (seconds: number, n: number) =>
  tell(seconds, 'component.ready', { incarnation: life(n), startupMs: 1_000, checks: ['api'] });
export const finished = (seconds: number, outcome: EventOf<'recovery.finished'>['outcome'] = 'recovered') =>
  tell(seconds, 'recovery.finished', {
    recovery,
    reason: 'crash',
    outcome,
    durationMs: seconds * 1_000,
    phases: { detectMs: 500, decideMs: 0, actMs: 0, verifyMs: 0 },
  });
export const resolved = (seconds: number) =>
  tell(seconds, 'incident.resolved', {
    severity: 'critical',
    by: 'recovery',
    resolution: 'verified healthy',
    durationMs: seconds * 1_000,
  } as Told<'incident.resolved'>);
/** @param n which life is being ended, `secondsToEnd` long. */
export const stopped = (seconds: number, secondsToEnd: number, n: number, forced = false) => [
  tell(seconds, 'component.stopping', { incarnation: life(n), why: 'a check failed', graceMs: 1, next: 'restart' }),
  tell(seconds + secondsToEnd, 'component.stopped', {
    incarnation: life(n),
    exit: { code: 3, signal: null },
    forced,
    next: 'restart',
  }),
];

/** Draws from a list of events, as a store would tell them. */
export const contextOver = (events: readonly RecoveryEvent[], more: Partial<DrawingContext> = {}): DrawingContext => ({
  timeline: (id) => events.filter((event) => event.incident === id),
  since: (types, from) => events.filter((event) => types.includes(event.type) && event.at >= from),
  lastOf: (type, component) =>
    events.findLast((event) => event.type === type && 'component' in event && event.component === component) as never,
  verifying: () => null,
  facts: () => ({ kind: 'process', priority: 'high', objectives: defaultObjectives, budget: 5 }),
  ...more,
});

const seconds = (ms: number): string => String((ms - T0) / 1_000);

/** `incident → recovery → act  1..4`, with what failed in brackets; in the order drawn. */
export const outline = (spans: readonly Span[]): string[] =>
  spans.map((span) => {
    const error = span.errorType === null ? '' : ` [${span.errorType}]`;
    return `${pathOf(span, spans)} ${seconds(span.startMs)}..${seconds(span.endMs)}${error}`;
  });

function pathOf(span: Span, spans: readonly Span[]): string {
  const name = span.name.replace('paramedic.', '');
  if (span.parentId === null) return name;
  const parent = spans.find(({ spanId, traceId }) => spanId === span.parentId && traceId === span.traceId);
  return `${parent ? pathOf(parent, spans) : '…'} → ${name}`;
}

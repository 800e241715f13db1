import { formatDuration } from '../units.ts';
import type {
  ComponentEvent,
  ComponentName,
  ComponentRecord,
  ComponentState,
  ComponentStateName,
  EngineIdentity,
  EpochMs,
  EventOf,
  IncarnationId,
  ProcessIdentity,
} from '../model/index.ts';

/** What is known of a component before its first event. */
export const newRecord = (component: ComponentName, at: EpochMs): ComponentRecord => ({
  component,
  state: { is: 'stopped', since: at, why: 'never started', settled: false },
  held: false,
  recovery: null,
  attempts: 0,
  crashes: 0,
  lastCrashAt: null,
  totalRestarts: 0,
  nextStartAt: null,
  readyAt: null,
  healthySince: null,
  lastEndAt: null,
  startedAt: null,
  mayRun: false,
});

/** The record after one more event: pure, so that what a boot reads is what the daemon before it knew. */
export function fold(record: ComponentRecord, event: ComponentEvent): ComponentRecord {
  switch (event.type) {
    case 'component.starting':
      return {
        ...record,
        readyAt: null,
        nextStartAt: null,
        mayRun: true,
        state: { is: 'starting', since: event.at, incarnation: event.incarnation, reason: event.reason, process: null },
      };
    case 'component.started':
      return { ...record, startedAt: event.at, mayRun: false, state: withRun(record.state, event) };
    case 'component.adopted':
      return { ...record, mayRun: false, state: adopted(record.state, event) };
    case 'component.absent':
      return { ...record, mayRun: false };
    case 'component.ready':
      if (record.state.is !== 'starting' || !isThere(record.state)) return record;
      return {
        ...record,
        readyAt: event.at,
        healthySince: event.at,
        state: {
          is: 'running',
          since: event.at,
          incarnation: event.incarnation,
          ...runOf(record.state),
          health: 'healthy',
        },
      };
    case 'component.health_changed':
      if (record.state.is !== 'running') return record;
      return {
        ...record,
        healthySince: event.to === 'healthy' ? event.at : null,
        state: { ...record.state, health: event.to },
      };
    case 'component.stopping':
      return {
        ...record,
        state: {
          is: 'stopping',
          since: event.at,
          incarnation: event.incarnation,
          ...runOf(record.state),
          next: event.next,
        },
      };
    case 'component.unkillable':
      if (record.state.is !== 'stopping') return record;
      return { ...record, state: { ...record.state, why: whyUnkillable(event) } };
    case 'component.stopped':
      return ended(record, event.at, event.next === 'restart' ? 'is being restarted' : 'was asked to stop');
    case 'component.start_failed':
      return ended(record, event.at, event.why);
    case 'component.crashed':
      return { ...ended(record, event.at, event.crashType), crashes: record.crashes + 1, lastCrashAt: event.at };
    case 'component.failed':
      return { ...record, state: { is: 'failed', since: event.at, why: event.why } };
    case 'component.held':
      return {
        ...record,
        held: true,
        state:
          record.state.is === 'backoff'
            ? { is: 'stopped', since: event.at, why: 'was asked to stop', settled: true }
            : record.state,
      };
    case 'component.released':
      return { ...record, held: false, attempts: 0 };
    case 'restart.decided':
      return decided(record, event);
    case 'recovery.started':
      return { ...record, recovery: { id: event.recovery, reason: event.reason, detectedAt: event.detectedAt } };
    case 'recovery.finished':
      return { ...record, recovery: null };
    case 'component.start_timed_out':
    case 'component.removed':
    case 'component.sampled':
    case 'crash.reported':
    case 'crash.report_failed':
    case 'check.completed':
    case 'check.changed':
    case 'check.tripped':
    case 'ping.received':
    case 'heartbeat.received':
    case 'restart.finished':
    case 'checkpoint.written':
    case 'checkpoint.write_failed':
    case 'checkpoint.corrupted':
    case 'checkpoint.restored':
    case 'checkpoint.lost':
    case 'incident.opened':
    case 'incident.updated':
    case 'incident.acknowledged':
    case 'incident.resolved':
    case 'remediation.decided':
    case 'remediation.finished':
    case 'experiment.started':
    case 'fault.injected':
    case 'fault.undone':
    case 'experiment.finished':
      return record;
    default:
      return event satisfies never;
  }
}

/** The process is there although it was killed: in the words of people. */
export const whyUnkillable = ({
  pid,
  processState,
  afterMs,
}: Pick<EventOf<'component.unkillable'>, 'pid' | 'processState' | 'afterMs'>): string =>
  `process ${pid ?? 'unknown'} is still there ${formatDuration(afterMs)} after it was killed (state ${processState ?? 'unknown'})`;

function decided(record: ComponentRecord, { at, decision, counted }: EventOf<'restart.decided'>): ComponentRecord {
  const alive = isThere(record.state);
  switch (decision.kind) {
    case 'restart': {
      const state: ComponentState = alive
        ? record.state
        : { is: 'backoff', since: at, until: (at + decision.delayMs) as EpochMs, why: decision.rule };
      return {
        ...record,
        attempts: counted ? decision.attempt : record.attempts,
        totalRestarts: record.totalRestarts + 1,
        nextStartAt: alive ? ((at + decision.delayMs) as EpochMs) : null,
        state,
      };
    }
    case 'wait':
      if (alive) return record;
      return {
        ...record,
        state: { is: 'backoff', since: at, until: decision.until as EpochMs | null, why: decision.why },
      };
    case 'blame':
      return alive ? record : { ...record, state: { is: 'backoff', since: at, until: null, why: decision.why } };
    case 'stay':
      return {
        ...record,
        state: {
          is: 'stopped',
          since: at,
          why: decision.why,
          settled: true,
          ...(decision.rule === 'exit_codes' && { done: true }),
        },
      };
    case 'fail':
    case 'refuse':
      return record;
    default:
      return decision satisfies never;
  }
}

function ended(record: ComponentRecord, at: EpochMs, why: string): ComponentRecord {
  const { state, held, nextStartAt: until } = record;
  const waits = state.is === 'stopping' && state.next === 'restart' && !held && until !== null && until > at;
  return {
    ...record,
    lastEndAt: at,
    healthySince: null,
    startedAt: null,
    nextStartAt: null,
    state: waits ? { is: 'backoff', since: at, until, why } : { is: 'stopped', since: at, why, settled: false },
  };
}

/** Who runs, as events tell it and states keep it. */
interface Run {
  readonly process: ProcessIdentity | null;
  readonly engine?: EngineIdentity;
}

const runOf = (state: ComponentState): Run => {
  const engine = engineOf(state);
  return { process: processOf(state), ...(engine && { engine }) };
};

const withRun = (state: ComponentState, { process, engine }: Run): ComponentState =>
  state.is === 'starting' || state.is === 'stopping' ? { ...state, process, ...(engine && { engine }) } : state;

/** Taken over as it was; without a record (the database was lost) it is a start not yet verified. */
function adopted(
  state: ComponentState,
  { at, incarnation, process, engine }: EventOf<'component.adopted'>,
): ComponentState {
  const same = 'incarnation' in state && state.incarnation === incarnation;
  const run = { process, ...(engine && { engine }) };
  if (same && state.is === 'running') return { ...state, ...run };
  if (same) return withRun(state, run);
  return { is: 'starting', since: at, incarnation, reason: 'boot', ...run };
}

/** The process that a state speaks of; null: none of this machine is known to be alive. */
export const processOf = (state: ComponentState): ProcessIdentity | null => ('process' in state ? state.process : null);

/** What an engine runs, by a state; null: it is a child process, or nothing runs. */
export const engineOf = (state: ComponentState): EngineIdentity | null =>
  ('engine' in state ? state.engine : null) ?? null;

/** Something runs, as far as is known, whatever runs it. */
export const isThere = (state: ComponentState): boolean => processOf(state) !== null || engineOf(state) !== null;

/** The boot of this machine that what runs cannot outlive; null: it runs elsewhere; undefined: nothing runs. */
export const bootOf = (state: ComponentState): string | null | undefined =>
  (engineOf(state) ?? processOf(state))?.bootId;

export const incarnationOf = (state: ComponentState): IncarnationId | null =>
  'incarnation' in state ? state.incarnation : null;

/** The state as the metric label `state` and the tables name it: running is told apart by health. */
export function stateName(state: ComponentState): ComponentStateName {
  if (state.is !== 'running') return state.is;
  switch (state.health) {
    case 'healthy':
      return 'running';
    case 'degraded':
    case 'unknown':
      return 'degraded';
    case 'unhealthy':
    case 'critical':
      return 'unhealthy';
    default:
      return state.health satisfies never;
  }
}

/** It serves: running, well or degraded. */
export const isUp = (state: ComponentState): boolean =>
  state.is === 'running' && state.health !== 'unhealthy' && state.health !== 'critical';

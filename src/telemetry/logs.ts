import { iso } from '../format.ts';
import { isWorse, type EventOf, type Exit, type RecoveryEvent, type Trigger } from '../model/index.ts';
import { formatDuration, formatSize } from '../units.ts';
import { placeOf } from './trace-ids.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'fatal';

/** One log line: a sentence for people, the event's own fields for machines. */
export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What an event says in the log; null for what passes by too often to be worth a line. */
export function toLog(event: RecoveryEvent): LogLine | null {
  const spoken = sentence(event);
  if (!spoken) return null;
  const { type, at, ...fields } = event;
  const place = placeOf(event);
  const trace = place ? { trace_id: place.traceId, span_id: place.spanId } : {};
  return { level: spoken[0], message: spoken[1], fields: { event: type, at, ...trace, ...fields } };
}

function sentence(e: RecoveryEvent): [LogLevel, string] | null {
  switch (e.type) {
    case 'daemon.started':
      return ['info', `paramedic ${e.version} started with pid ${e.pid}${e.recoveryMode ? ' in recovery mode' : ''}`];
    case 'daemon.stopped':
      return ['info', e.keptComponents ? 'paramedic stopped; components keep running' : 'paramedic stopped'];
    case 'daemon.stalled':
      return ['error', `the daemon itself stood still for ${formatDuration(e.stalledMs)} (${e.crashType}): ${e.file}`];
    case 'config.reloaded': {
      const parts = [named('added', e.added), named('removed', e.removed), named('changed', e.changed)].flat();
      const done = `configuration reloaded: ${parts.join('; ') || 'no component changed'}`;
      return e.daemonRestartNeeded.length === 0
        ? ['info', done]
        : ['warn', `${done}; only a new daemon applies what has changed of: ${e.daemonRestartNeeded.join(', ')}`];
    }
    case 'config.rejected':
      return ['error', `configuration rejected, the old one stays in force: ${e.problems.join('; ')}`];
    case 'store.set_aside':
      return ['error', `the ${e.store} database was unusable (${e.why}) and was moved to ${e.movedTo}`];
    case 'system.restarting':
      return ['error', `the whole system is restarted in recovery mode, for ${e.cause} has failed: ${e.why}`];
    case 'system.recovered':
      return [
        e.outcome === 'success' ? 'info' : 'error',
        `recovery ${e.recovery} (${e.manifest ?? e.mode}): ${e.points.map(({ component, checkpoint, why }) => (why === null ? `${component} from ${checkpoint ?? 'nothing'}` : `not ${component}: ${why}`)).join('; ')}`,
      ];
    case 'system.checkpointed':
      return e.manifest === null
        ? ['error', `no consistent checkpoint of ${e.components.join(', ')}: ${e.why}`]
        : [
            'info',
            `consistent checkpoint ${e.manifest} of ${e.components.join(', ')} in ${formatDuration(e.durationMs)}`,
          ];
    case 'system.restarted':
      return e.outcome === 'done'
        ? ['warn', `the whole system was stopped and is being started again after ${formatDuration(e.durationMs)}`]
        : ['warn', `the restart of the whole system that was begun for ${e.cause} is dropped`];
    case 'component.starting':
      return ['debug', `${e.component} is being started (${e.reason}${e.attempt > 1 ? `, attempt ${e.attempt}` : ''})`];
    case 'component.started':
      return ['info', `${e.component} started ${asWhat(e)}`];
    case 'component.start_failed':
      return ['error', `${e.component} could not be started: ${e.why}`];
    case 'component.adopted':
      return ['info', `${e.component} was still running ${asWhat(e)} and was adopted`];
    case 'component.absent':
      return ['info', `${e.component} does not run: what was to run it was asked`];
    case 'component.ready':
      return [
        'info',
        `${e.component} is ready after ${formatDuration(e.startupMs)}${e.checks.length > 0 ? ` (${e.checks.join(', ')})` : ''}`,
      ];
    case 'component.start_timed_out':
      return ['error', `${e.component} was not ready after ${formatDuration(e.afterMs)}${waiting(e.waitingFor)}`];
    case 'component.health_changed':
      return [changeLevel(e), `${e.component} went from ${e.from} to ${e.to}${e.why ? `: ${e.why}` : ''}`];
    case 'component.stopping':
      return ['info', `${e.component} is being stopped${e.next === 'restart' ? ' for a restart' : ''}: ${e.why}`];
    case 'component.stopped':
      return [e.forced ? 'warn' : 'info', `${e.component} stopped: ${exitText(e.exit)}${e.forced ? ', by force' : ''}`];
    case 'component.unkillable':
      return [
        'error',
        `${e.component} cannot be ended: process ${e.pid ?? 'unknown'} is still there ${formatDuration(e.afterMs)} after it was killed (state ${e.processState ?? 'unknown'})`,
      ];
    case 'component.crashed':
      return [
        e.severity === 'fatal' ? 'fatal' : 'error',
        `${e.component} crashed: ${exitText(e.exit)} after ${formatDuration(e.uptimeMs)} (${e.crashType})`,
      ];
    case 'component.failed':
      return ['error', `${e.component} has failed and stays down: ${e.why}`];
    case 'component.held':
      return ['info', `${e.component} stays stopped until it is started again (asked for by ${by(e.by)})`];
    case 'component.released':
      return ['info', `${e.component} may run again (asked for by ${by(e.by)})`];
    case 'component.removed':
      return ['info', `${e.component} is no longer configured`];
    case 'crash.reported':
      return [
        'info',
        `crash report ${e.crash} of ${e.component} written to ${e.file}${e.found === undefined ? '' : `: ${e.found}`}`,
      ];
    case 'crash.report_failed':
      return ['error', `crash report ${e.crash} of ${e.component} could not be written: ${e.why}`];
    case 'check.changed':
      return [
        e.to === 'healthy' || e.from === 'unknown' ? 'debug' : 'info',
        `check ${e.check} of ${e.component} went from ${e.from} to ${e.to}: ${e.message}`,
      ];
    case 'check.tripped':
      return [
        'warn',
        `check ${e.check} of ${e.component} asks for ${e.action === 'restart' ? 'a restart' : 'attention'} after ${count(e.consecutiveFailures, 'failure')}: ${e.message}`,
      ];
    case 'restart.decided':
      return decided(e);
    case 'restart.finished':
      return e.outcome === 'success'
        ? ['info', `${e.component} was restarted in ${formatDuration(e.durationMs)} (${e.reason})`]
        : ['error', `the restart of ${e.component} failed after ${formatDuration(e.durationMs)} (${e.reason})`];
    case 'recovery.started':
      return ['info', `recovery of ${e.component} began (${e.reason})`];
    case 'recovery.finished':
      return e.outcome === 'recovered'
        ? ['info', `${e.component} recovered in ${formatDuration(e.durationMs)}`]
        : ['warn', `recovery of ${e.component} ended after ${formatDuration(e.durationMs)}: ${e.outcome}`];
    case 'checkpoint.written':
      return [
        'debug',
        `checkpoint ${e.checkpoint} of ${e.component}: ${formatSize(e.sizeBytes)} in ${formatDuration(e.durationMs)} (${e.trigger})`,
      ];
    case 'checkpoint.write_failed':
      return ['error', `a checkpoint of ${e.component} could not be written: ${e.why}`];
    case 'checkpoint.corrupted':
      return ['error', `checkpoint ${e.checkpoint} of ${e.component} is corrupt and is never used again: ${e.why}`];
    case 'checkpoint.restored':
      return restored(e);
    case 'checkpoint.lost':
      return ['error', lost(e)];
    case 'incident.opened':
      return [
        e.severity === 'critical' || e.severity === 'high' ? 'error' : 'warn',
        `incident ${e.incident} opened (${e.severity}, ${e.category}): ${e.title}`,
      ];
    case 'incident.updated':
      return ['warn', `incident ${e.incident} is now ${e.severity}, came again ${count(e.repeats, 'time')}: ${e.why}`];
    case 'incident.acknowledged':
      return ['info', `incident ${e.incident} acknowledged by ${by(e.by)} after ${formatDuration(e.afterMs)}`];
    case 'incident.resolved':
      return ['info', `incident ${e.incident} resolved after ${formatDuration(e.durationMs)}: ${e.resolution}`];
    case 'breaker.transitioned':
      return [
        e.to === 'open' || e.to === 'forced_open' ? 'warn' : 'info',
        `breaker ${e.breaker} went from ${e.from} to ${e.to}: ${e.reason}`,
      ];
    case 'degradation.level_changed':
      return [
        isWorse(e.to, e.from) ? 'warn' : 'info',
        `the level of degradation went from ${e.from} to ${e.to}${e.reason === '' ? '' : `: ${e.reason}`}`,
      ];
    case 'degradation.pinned':
      return [
        'info',
        `${holder(e.trigger)} holds the level at ${e.level}${e.until === null ? '' : ` until ${iso(e.until)}`}`,
      ];
    case 'degradation.unpinned':
      return ['info', `${holder(e.trigger)} holds the level at ${e.level} no more: ${e.why}`];
    case 'degradation.feature_changed':
      return e.enabled
        ? ['info', `the feature ${e.feature} is on again`]
        : ['warn', `the feature ${e.feature} is off: ${e.reason ?? 'no reason is known'}`];
    case 'degradation.command_finished':
      return ofFeatureCommand(e);
    case 'webhook.answered':
      return e.rejection === null
        ? ['debug', `webhook ${e.receiver} answered ${e.code}: ${count(e.alerts, 'alert')}`]
        : ['warn', `webhook ${e.receiver} refused with ${e.code}: ${e.rejection}`];
    case 'alert.received':
      return [
        'debug',
        `alert ${e.alert?.name ?? 'without a name'} (${e.alert?.status ?? 'unreadable'}): ${e.disposition}`,
      ];
    case 'remediation.decided':
      return [
        e.decision === 'execute' ? 'info' : 'warn',
        `alert ${e.alert.name} asks for ${e.action} of ${e.component}: ${e.decision}${e.why === '' ? '' : ` (${e.why})`}`,
      ];
    case 'remediation.finished':
      return [
        e.outcome === 'success' ? 'info' : 'error',
        `remediation ${e.remediation}, ${e.action} of ${e.component}, ended after ${formatDuration(e.durationMs)}: ${e.outcome}${e.message === '' ? '' : ` (${e.message})`}`,
      ];
    case 'experiment.started':
      return ['warn', `experiment ${e.experiment} (${e.run}) begins on ${e.component}`];
    case 'fault.injected':
      return ['warn', `experiment ${e.run} made a fault in ${e.component} (pid ${e.pid}): ${e.fault}`];
    case 'fault.undone':
      return ['warn', `experiment ${e.run} undid its fault in ${e.component}: ${e.how}`];
    case 'experiment.finished':
      return [
        e.outcome === 'passed' ? 'info' : 'error',
        `experiment ${e.experiment} (${e.run}) on ${e.component}: ${e.outcome}, ${e.why}`,
      ];
    case 'telemetry.dropped':
      return e.reason === 'sampled' ? null : ['warn', `${count(e.items, 'item')} for ${e.sink} dropped: ${e.reason}`];
    case 'ping.received':
      return [
        'debug',
        `${e.component}, ${e.check}: the job ${e.signal === 'start' ? 'begins' : e.exitCode === 0 ? 'is done' : 'has failed'}`,
      ];
    case 'breaker.called':
    case 'degradation.recorded':
    case 'degradation.lasted':
    case 'telemetry.exported':
    case 'daemon.ticked':
    case 'component.sampled':
    case 'check.completed':
    case 'heartbeat.received':
    case 'host.sampled':
      return null;
    default:
      return e satisfies never;
  }
}

function decided(e: EventOf<'restart.decided'>): [LogLevel, string] {
  const { component, reason, decision } = e;
  switch (decision.kind) {
    case 'restart':
      return [
        'info',
        `${component} starts again in ${formatDuration(decision.delayMs)} (${reason}, attempt ${decision.attempt}, rule ${decision.rule})`,
      ];
    case 'wait':
      return ['info', `the restart of ${component} waits (${reason}): ${decision.why}`];
    case 'blame':
      return ['warn', `${component} waits until ${decision.dependency} is restarted (${reason}): ${decision.why}`];
    case 'stay':
      return ['info', `${component} stays stopped (${reason}): ${decision.why}`];
    case 'fail':
      return ['error', `${component} is given up (${reason}): ${decision.why}`];
    case 'refuse':
      return ['warn', `the restart of ${component} was refused (${reason}): ${decision.why}`];
    default:
      return decision satisfies never;
  }
}

function restored(e: EventOf<'checkpoint.restored'>): [LogLevel, string] {
  const from = e.checkpoint === null ? 'nothing' : `checkpoint ${e.checkpoint}`;
  if (e.outcome === 'failure') return ['error', `${e.component} could not be given its state back from ${from}`];
  const bad = e.checkpointsLost > 0 ? `, ${count(e.checkpointsLost, 'newer checkpoint')} damaged or gone` : '';
  const loss = `${e.dataLossMs > 0 ? `, at most ${formatDuration(e.dataLossMs)} lost` : ''}${bad}`;
  const replay = e.entriesReplayed > 0 ? ` and ${count(e.entriesReplayed, 'journal entry', 'journal entries')}` : '';
  return [e.source === 'previous' ? 'warn' : 'info', `${e.component} continues from ${from}${replay}${loss}`];
}

function ofFeatureCommand(e: EventOf<'degradation.command_finished'>): [LogLevel, string] {
  const what = `${e.command} of ${e.feature}`;
  if (e.outcome === 'success')
    return ['info', `${what} was run in ${formatDuration(e.durationMs)}${e.output && `: ${e.output}`}`];
  const [level, how] = e.outcome === 'cancelled' ? (['warn', 'was ended'] as const) : (['error', 'failed'] as const);
  return [level, `${what} ${how}: ${e.why}${e.output && `; ${e.output}`}`];
}

function lost({ component, sequences, entries, why }: EventOf<'checkpoint.lost'>): string {
  const checkpoints = sequences && `checkpoints ${sequences[0]} to ${sequences[1]}`;
  const journal = entries && `journal entries after ${entries.after} and before ${entries.before}`;
  return `${component} has lost ${[checkpoints, journal].filter(Boolean).join(' and ')}: ${why}`;
}

const changeLevel = ({ from, to }: EventOf<'component.health_changed'>): LogLevel => {
  if (to === 'unhealthy' || to === 'critical') return 'warn';
  return from === 'unknown' || to === 'unknown' ? 'debug' : 'info';
};

/** `with pid 7`, `as container redis`. */
const asWhat = ({ process, engine }: EventOf<'component.started' | 'component.adopted'>): string =>
  engine ? `as ${engine.engine} ${engine.name}` : `with pid ${process?.pid ?? 'unknown'}`;

/** `SIGKILL`, `exit code 3`; an adopted process could tell nobody how it ended. */
const exitText = ({ code, signal }: Exit): string => signal ?? (code === null ? 'exit unknown' : `exit code ${code}`);

const holder = (trigger: Trigger) => (trigger === 'manual' ? 'a person' : trigger === 'alert' ? 'an alert' : trigger);
const by = (requester: string) => (requester === 'person' ? 'a person' : `the ${requester}`);
const named = (what: string, list: readonly string[]) => (list.length > 0 ? [`${what} ${list.join(', ')}`] : []);
const waiting = (list: readonly string[]) => (list.length > 0 ? `; still waiting for ${list.join(', ')}` : '');
const count = (n: number, one: string, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;

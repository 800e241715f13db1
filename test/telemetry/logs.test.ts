import { describe, expect, it } from 'vitest';
import { eventTypes, type EventType, type IncidentId, type RecoveryEvent } from '../../src/model/index.ts';
import { toLog } from '../../src/telemetry/index.ts';
import { samples } from './events.ts';

const spoken: { readonly [T in EventType]: string | null } = {
  'daemon.started': 'info paramedic 1.2.3 started with pid 7',
  'daemon.stopped': 'info paramedic stopped; components keep running',
  'daemon.ticked': null,
  'config.reloaded': 'info configuration reloaded: added tts; changed gmail, stt',
  'config.rejected': 'error configuration rejected, the old one stays in force: paramedic.yaml:1:1 bad',
  'daemon.stalled':
    'error the daemon itself stood still for 6.1s (infinite_loop): /x/crashes/CRASH-20261123-224610-00000000.json',
  'store.set_aside': 'error the events database was unusable (malformed) and was moved to /x/events.db.bad',
  'system.restarting': 'error the whole system is restarted in recovery mode, for gmail has failed: used up',
  'system.restarted': 'warn the whole system was stopped and is being started again after 900ms',
  'system.checkpointed': 'error no consistent checkpoint of gmail: it hangs',
  'system.recovered': `error recovery ${'b'.repeat(32)} (partial): gmail from CP-20261123-120000-1A2B3C4D; not gmail: it hangs`,
  'component.starting': 'debug gmail is being started (crash, attempt 2)',
  'component.started': 'info gmail started with pid 4711',
  'component.start_failed': 'error gmail could not be started: no such file',
  'component.adopted': 'info gmail was still running with pid 4711 and was adopted',
  'component.absent': 'info gmail does not run: what was to run it was asked',
  'component.ready': 'info gmail is ready after 420ms (api)',
  'component.start_timed_out': 'error gmail was not ready after 30s; still waiting for api',
  'component.health_changed': 'warn gmail went from healthy to critical: api: 500',
  'component.stopping': 'info gmail is being stopped for a restart: asked to',
  'component.stopped': 'info gmail stopped: exit code 0',
  'component.unkillable': 'error gmail cannot be ended: process 77 is still there 5s after it was killed (state D)',
  'component.crashed': 'error gmail crashed: SIGKILL after 3h 2m (external_termination)',
  'component.failed': 'error gmail has failed and stays down: 5 restarts within 5m',
  'component.held': 'info gmail stays stopped until it is started again (asked for by a person)',
  'component.released': 'info gmail may run again (asked for by the webhook)',
  'component.removed': 'info gmail is no longer configured',
  'component.sampled': null,
  'crash.reported':
    'info crash report CRASH-20261123-120000-1A2B3C4D of gmail written to /x/crash.json: port 80 is taken by process 7 (x)',
  'crash.report_failed':
    'error crash report CRASH-20261123-120000-1A2B3C4D of gmail could not be written: no space left',
  'check.completed': null,
  'check.changed': 'info check api of gmail went from healthy to timeout: no answer after 2s',
  'check.tripped': 'warn check api of gmail asks for a restart after 3 failures: no answer after 2s',
  'ping.received': 'debug gmail, backup: the job is done',
  'heartbeat.received': null,
  'host.sampled': null,
  'restart.decided': 'info gmail starts again in 5s (crash, attempt 1, rule exponential_backoff)',
  'restart.finished': 'info gmail was restarted in 500ms (crash)',
  'recovery.started': 'info recovery of gmail began (crash)',
  'recovery.finished': 'info gmail recovered in 500ms',
  'checkpoint.written': 'debug checkpoint CP-20261123-120000-1A2B3C4D of gmail: 2.0 KiB in 4ms (interval)',
  'checkpoint.write_failed': 'error a checkpoint of gmail could not be written: no space left',
  'checkpoint.corrupted':
    'error checkpoint CP-20261123-120000-1A2B3C4D of gmail is corrupt and is never used again: checksum differs',
  'checkpoint.restored':
    'info gmail continues from checkpoint CP-20261123-120000-1A2B3C4D and 2 journal entries, at most 1.5s lost',
  'checkpoint.lost':
    'error gmail has lost checkpoints 41 to 43 and journal entries after 7 and before 10: commits are missing',
  'incident.opened': `error incident ${'d'.repeat(32)} opened (critical, crash): gmail crashed: external_termination`,
  'incident.updated': `warn incident ${'d'.repeat(32)} is now critical, came again 2 times: it crashed again`,
  'incident.acknowledged': `info incident ${'d'.repeat(32)} acknowledged by the recovery after 3ms`,
  'incident.resolved': `info incident ${'d'.repeat(32)} resolved after 1.5s: verified healthy`,
  'breaker.transitioned': 'warn breaker gpt_api went from closed to open: 5 failures in a row',
  'breaker.called': null,
  'degradation.level_changed': 'warn the level of degradation went from full to minimal: CPU at 75%, from 70% on',
  'degradation.pinned': 'info a person holds the level at reduced until 2026-11-23T12:00:00.000Z',
  'degradation.unpinned': 'info an alert holds the level at reduced no more: expired',
  'degradation.feature_changed': 'warn the feature speech is off: its component tts has failed',
  'degradation.command_finished': 'error on_disable of speech failed: it ended with 3; no such voice',
  'degradation.recorded': null,
  'degradation.lasted': null,
  'webhook.answered': 'warn webhook alertmanager refused with 401: auth',
  'alert.received': 'debug alert ParamedicComponentDown (firing): accepted',
  'remediation.decided':
    'warn alert ParamedicComponentDown asks for restart of gmail: cooldown (the last one was 3 s ago)',
  'remediation.finished':
    'info remediation REM-20261123-120000-1A2B3C4D, restart of gmail, ended after 400ms: success (gmail is ready)',
  'experiment.started': 'warn experiment agent_crash_recovery (EXP-20261123-120000-1A2B3C4D) begins on gmail',
  'fault.injected': 'warn experiment EXP-20261123-120000-1A2B3C4D made a fault in gmail (pid 4711): kill',
  'fault.undone': 'warn experiment EXP-20261123-120000-1A2B3C4D undid its fault in gmail: it was started again',
  'experiment.finished':
    'error experiment agent_crash_recovery (EXP-20261123-120000-1A2B3C4D) on gmail: failed, no new process within 30s',
  'telemetry.exported': null,
  'telemetry.dropped': 'warn 3 items for otlp_traces dropped: queue_full',
};

const say = (event: RecoveryEvent) => {
  const line = toLog(event);
  return line && `${line.level} ${line.message}`;
};

describe('log lines', () => {
  it.each(eventTypes)('%s', (type) => {
    expect(say(samples[type])).toBe(spoken[type]);
  });

  it.each<{ event: RecoveryEvent; says: string }>([
    {
      event: { ...samples['component.crashed'], severity: 'fatal', exit: { code: 3, signal: null } },
      says: 'fatal gmail crashed: exit code 3',
    },
    {
      event: { ...samples['component.stopped'], exit: { code: null, signal: null }, forced: true },
      says: 'warn gmail stopped: exit unknown, by force',
    },
    {
      event: { ...samples['component.health_changed'], from: 'unknown', to: 'healthy', why: '' },
      says: 'debug gmail went from unknown to healthy',
    },
    {
      event: { ...samples['recovery.finished'], outcome: 'escalated' },
      says: 'warn recovery of gmail ended after 500ms: escalated',
    },
    {
      event: { ...samples['config.reloaded'], added: [], changed: [] },
      says: 'info configuration reloaded: no component changed',
    },
    {
      event: { ...samples['config.reloaded'], daemonRestartNeeded: ['listen', 'telemetry'] },
      says: 'warn configuration reloaded: added tts; changed gmail, stt; only a new daemon applies what has changed of: listen, telemetry',
    },
    {
      event: { ...samples['restart.decided'], decision: { kind: 'fail', rule: 'budget', why: 'used up' } },
      says: 'error gmail is given up (crash): used up',
    },
    {
      event: { ...samples['checkpoint.restored'], checkpoint: null, source: 'none', entriesReplayed: 0, dataLossMs: 0 },
      says: 'info gmail continues from nothing',
    },
    {
      event: {
        ...samples['degradation.command_finished'],
        outcome: 'cancelled',
        why: 'the daemon was stopped',
        output: '',
      },
      says: 'warn on_disable of speech was ended: the daemon was stopped',
    },
  ])('$says', ({ event, says }) => {
    expect(say(event)?.startsWith(says)).toBe(true);
  });

  it('carry the ids of their span when they belong to an incident', () => {
    const incident = 'd'.repeat(32) as IncidentId;
    const idsOf = (event: RecoveryEvent) => {
      const { trace_id, span_id } = toLog(event)?.fields ?? {};
      return [trace_id, span_id];
    };
    expect(idsOf(samples['component.crashed'])).toEqual([undefined, undefined]);
    expect(idsOf({ ...samples['component.crashed'], incident })).toEqual([incident, incident.slice(0, 16)]);
    expect(idsOf({ ...samples['recovery.finished'], incident })).toEqual([incident, 'b'.repeat(16)]);
    expect(idsOf({ ...samples['component.starting'], incident })).toEqual([incident, 'a'.repeat(16)]);
  });

  it('carry the event and its fields', () => {
    const { type: _, ...fields } = samples['component.failed'];
    expect(toLog(samples['component.failed'])?.fields).toEqual({ event: 'component.failed', ...fields });
  });
});

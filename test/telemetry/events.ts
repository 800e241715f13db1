import {
  componentName,
  epochMs,
  type CheckpointId,
  type CrashId,
  type EventOf,
  type EventType,
  type IncarnationId,
  type RecoveryId,
} from '../../src/model/index.ts';

/* oxlint-disable unicorn/no-thenable -- `then` is what follows a stop: these are events, never awaited */

const at = epochMs(Date.UTC(2026, 10, 23, 12));
const gmail = { at, component: componentName('gmail') };
const life = { ...gmail, incarnation: 'a'.repeat(32) as IncarnationId };
const process = { pid: 4_711, startTime: 1, bootId: 'boot' };
const crash = 'CRASH-20261123-120000-1A2B3C4D' as CrashId;
const checkpoint = 'CP-20261123-120000-1A2B3C4D' as CheckpointId;
const recovery = 'b'.repeat(32) as RecoveryId;
const exit = { code: null, signal: 'SIGKILL' };
const check = { ...gmail, check: 'api', kind: 'http' };
const phases = { detectMs: 10, decideMs: 20, actMs: 300, verifyMs: 170 };

/** One of each kind of event. */
export const samples: { readonly [T in EventType]: EventOf<T> } = {
  'daemon.started': { type: 'daemon.started', at, pid: 7, version: '1.2.3', recoveryMode: false },
  'daemon.stopped': { type: 'daemon.stopped', at, keptComponents: true },
  'daemon.ticked': { type: 'daemon.ticked', at, durationMs: 2 },
  'config.reloaded': { type: 'config.reloaded', at, added: ['tts'], removed: [], changed: ['gmail', 'stt'] },
  'config.rejected': { type: 'config.rejected', at, problems: ['paramedic.yaml:1:1 bad'] },
  'store.set_aside': { type: 'store.set_aside', at, store: 'events', movedTo: '/x/events.db.bad', why: 'malformed' },
  'component.starting': { type: 'component.starting', ...life, reason: 'crash', attempt: 2 },
  'component.started': { type: 'component.started', ...life, process },
  'component.start_failed': { type: 'component.start_failed', ...life, why: 'no such file' },
  'component.adopted': { type: 'component.adopted', ...life, process },
  'component.ready': { type: 'component.ready', ...life, startupMs: 420, checks: ['api'] },
  'component.start_timed_out': { type: 'component.start_timed_out', ...life, afterMs: 30_000, waitingFor: ['api'] },
  'component.health_changed': {
    type: 'component.health_changed',
    ...gmail,
    from: 'healthy',
    to: 'critical',
    why: 'api: 500',
  },
  'component.stopping': { type: 'component.stopping', ...life, why: 'asked to', graceMs: 10_000, next: 'restart' },
  'component.stopped': {
    type: 'component.stopped',
    ...life,
    exit: { code: 0, signal: null },
    forced: false,
    next: 'stop',
  },
  'component.crashed': {
    type: 'component.crashed',
    ...life,
    crash,
    crashType: 'external_termination',
    severity: 'high',
    errorType: 'SIGKILL',
    exit,
    uptimeMs: 10_920_000,
    signature: 'c'.repeat(16),
  },
  'component.failed': { type: 'component.failed', ...gmail, rule: 'budget', why: '5 restarts within 5m' },
  'component.held': { type: 'component.held', ...gmail, by: 'person' },
  'component.released': { type: 'component.released', ...gmail, by: 'webhook' },
  'component.removed': { type: 'component.removed', ...gmail },
  'component.sampled': {
    type: 'component.sampled',
    ...gmail,
    usage: { cpuRatio: 0.1, residentBytes: 1, openFds: 2, processes: 1 },
  },
  'crash.reported': { type: 'crash.reported', ...gmail, crash, file: '/x/crash.json' },
  'crash.report_failed': { type: 'crash.report_failed', ...gmail, crash, why: 'no space left' },
  'check.completed': {
    type: 'check.completed',
    ...check,
    outcome: 'timeout',
    message: 'no answer',
    severity: 7,
    durationMs: 2_000,
    consecutiveFailures: 1,
  },
  'check.changed': { type: 'check.changed', ...check, from: 'healthy', to: 'timeout', message: 'no answer after 2s' },
  'check.tripped': {
    type: 'check.tripped',
    ...check,
    outcome: 'timeout',
    message: 'no answer after 2s',
    consecutiveFailures: 3,
    action: 'restart',
  },
  'heartbeat.received': {
    type: 'heartbeat.received',
    ...gmail,
    status: 'healthy',
    message: '',
    progress: 1,
    metrics: [],
  },
  'host.sampled': { type: 'host.sampled', at, cpuRatio: 0.1, memoryRatio: 0.2, disks: [], processes: 1, handles: 2 },
  'restart.decided': {
    type: 'restart.decided',
    ...gmail,
    reason: 'crash',
    by: 'supervisor',
    decision: { kind: 'restart', rule: 'exponential_backoff', delayMs: 5_000, attempt: 1 },
    counted: true,
  },
  'restart.finished': { type: 'restart.finished', ...gmail, reason: 'crash', outcome: 'success', durationMs: 500 },
  'recovery.started': { type: 'recovery.started', ...gmail, recovery, reason: 'crash', detectedAt: at },
  'recovery.finished': {
    type: 'recovery.finished',
    ...gmail,
    recovery,
    reason: 'crash',
    outcome: 'recovered',
    durationMs: 500,
    phases,
  },
  'checkpoint.written': {
    type: 'checkpoint.written',
    ...gmail,
    checkpoint,
    trigger: 'interval',
    sizeBytes: 2_048,
    durationMs: 4,
    capturedAt: at,
  },
  'checkpoint.write_failed': { type: 'checkpoint.write_failed', ...gmail, trigger: 'interval', why: 'no space left' },
  'checkpoint.corrupted': { type: 'checkpoint.corrupted', ...gmail, checkpoint, why: 'checksum differs' },
  'checkpoint.restored': {
    type: 'checkpoint.restored',
    ...gmail,
    checkpoint,
    source: 'latest',
    outcome: 'success',
    entriesReplayed: 2,
    dataLossMs: 1_500,
  },
};

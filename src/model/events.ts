import type { BreakerState, CallResult, Trigger } from './breaker.ts';
import type { CrashSeverity, CrashType } from './crash.ts';
import type { DegradationLevel, DegradationRecord } from './degradation.ts';
import type { CheckAction, CheckOutcome, HealthStatus } from './health.ts';
import type { ExperimentCheck, ExperimentOutcome } from './experiment.ts';
import type {
  CheckpointId,
  ComponentName,
  CrashId,
  EpochMs,
  ExperimentRunId,
  IncarnationId,
  IncidentId,
  ManifestId,
  RecoveryId,
  RemediationId,
} from './ids.ts';
import type { Acknowledger, IncidentCategory, IncidentSeverity, Resolver } from './incident.ts';
import type {
  ActionName,
  AlertIdentity,
  Disposition,
  ExecutionOutcome,
  Receiver,
  Rejection,
  RemediationDecision,
  TraceContext,
} from './remediation.ts';
import type { EngineIdentity, Exit, ProcessIdentity, ProcessUsage } from './process.ts';
import type { Decision, Requester, RestartReason, StartReason } from './restart.ts';

export type StoreName = 'events' | 'state';
/**
 * How a checkpoint may be asked for: `full` whole in state.db, `disk` as a file too, `memory` in the daemon's memory only.
 * Without, it is stored as it costs least.
 */
export const checkpointKinds = ['full', 'memory', 'disk'] as const;
export type CheckpointTrigger = 'interval' | 'size' | 'shutdown' | 'manual' | 'alert';
export type RestoreSource = 'latest' | 'previous' | 'none';
/** Where telemetry goes, and why some of it never got there. */
export type TelemetrySink = 'otlp_traces' | 'otlp_logs' | 'journal' | 'audit' | 'sse' | 'webhook' | 'email';
export type DropReason = 'queue_full' | 'export_failed' | 'sampled' | 'serialize_error' | 'shutdown';
export type RecoveryOutcome = 'recovered' | 'failed' | 'escalated' | 'timeout' | 'aborted';

/** What can happen, in the past tense, as plain data: the same value is stored, streamed, folded and tested. */
export interface EventFields {
  'daemon.started': { pid: number; version: string; recoveryMode: boolean };
  'daemon.stopped': { keptComponents: boolean };
  'daemon.ticked': { durationMs: number };
  /** Its main thread stood still and goes on; `stalledMs`: how long it had when that was written down. */
  'daemon.stalled': { crash: string; crashType: CrashType; stalledMs: number; file: string };
  /** `daemonRestartNeeded`: settings that differ from those this daemon was started with and cannot change. */
  'config.reloaded': { added: string[]; removed: string[]; changed: string[]; daemonRestartNeeded: string[] };
  'config.rejected': { problems: string[] };
  'store.set_aside': { store: StoreName; movedTo: string; why: string };

  /** All is about to be stopped and started again in recovery mode, because `cause` was given up. */
  'system.restarting': { cause: ComponentName; why: string };
  /** `dropped`: a daemon that came back found that it had been begun too long ago. */
  'system.restarted': { cause: ComponentName; outcome: 'done' | 'dropped'; durationMs: number };

  /** Components were brought back to what they had saved. `how`: while they ran, by a restart, or not at all (`why`). */
  'system.recovered': {
    recovery: RecoveryId;
    mode: 'full' | 'partial' | 'minimal' | 'none';
    by: Requester;
    outcome: 'success' | 'failure';
    /** Only when they went back together, to what it names. */
    manifest?: ManifestId;
    points: readonly {
      readonly component: ComponentName;
      readonly checkpoint: CheckpointId | null;
      /** Estimated: the time whose changes are lost. */
      readonly dataLossMs: number;
      readonly how: 'set_state' | 'restart' | 'none';
      readonly why: string | null;
    }[];
  };

  /**
   * Components were paused and saved their states together. `manifest` names the checkpoints; null: it was given up
   * (`why`), and all go on.
   */
  'system.checkpointed': {
    manifest: ManifestId | null;
    by: Requester;
    outcome: 'success' | 'failure';
    components: readonly ComponentName[];
    durationMs: number;
    why: string | null;
  };

  /** A start is about to happen: stored before the spawn, so that nothing is ever started twice. */
  'component.starting': { incarnation: IncarnationId; reason: StartReason; attempt: number };
  /** `engine`: only where it is not a child process of ours; `process`: null where none of this machine is known. */
  'component.started': { incarnation: IncarnationId; process: ProcessIdentity | null; engine?: EngineIdentity };
  'component.start_failed': { incarnation: IncarnationId; why: string };
  /** What outlived the daemon before this one was taken over as it is. */
  'component.adopted': { incarnation: IncarnationId; process: ProcessIdentity | null; engine?: EngineIdentity };
  /** A start had failed, or was cut short, and what was to run it says now that nothing runs. */
  'component.absent': Record<never, never>;
  /** Verified healthy after a start. `checks` names what said so; none: it lived long enough. */
  'component.ready': { incarnation: IncarnationId; startupMs: number; checks: string[] };
  'component.start_timed_out': { incarnation: IncarnationId; afterMs: number; waitingFor: string[] };
  'component.health_changed': { from: HealthStatus; to: HealthStatus; why: string };
  'component.stopping': { incarnation: IncarnationId; why: string; graceMs: number; next: 'stop' | 'restart' };
  /** The end that was asked for. `forced`: it did not go by itself. */
  'component.stopped': { incarnation: IncarnationId; exit: Exit; forced: boolean; next: 'stop' | 'restart' };
  /** Killed with all that it has started, and still there: nothing is started in its place. `processState`: a letter of the kernel. */
  'component.unkillable': {
    incarnation: IncarnationId;
    pid: number | null;
    processState: string | null;
    afterMs: number;
  };
  /** The end that nobody asked for, or that a failing check made necessary. */
  'component.crashed': {
    incarnation: IncarnationId;
    crash: CrashId;
    crashType: CrashType;
    severity: CrashSeverity;
    errorType: string;
    exit: Exit;
    uptimeMs: number;
    signature: string;
  };
  'component.failed': { rule: string; why: string };
  /** A person stopped it (held) or let it run again (released). */
  'component.held': { by: Requester };
  'component.released': { by: Requester };
  'component.removed': Record<never, never>;
  'component.sampled': { usage: ProcessUsage };

  /** `found`: what nobody knew at the crash, in a clause: who has the port that it could not have. */
  'crash.reported': { crash: CrashId; file: string; found?: string };
  'crash.report_failed': { crash: CrashId; why: string };

  /** Every run of every check: told, never stored. */
  'check.completed': {
    check: string;
    kind: string;
    outcome: CheckOutcome;
    message: string;
    severity: number;
    durationMs: number;
    consecutiveFailures: number;
    /** How long after its turn it began; absent: it was not its turn, something new had to be looked at. */
    lateMs?: number;
  };
  'check.changed': { check: string; kind: string; from: CheckOutcome; to: CheckOutcome; message: string };
  /** A check failed as often as its threshold allows, or was critical once: somebody must act. */
  'check.tripped': {
    check: string;
    kind: string;
    outcome: CheckOutcome;
    message: string;
    consecutiveFailures: number;
    action: CheckAction;
  };
  'heartbeat.received': {
    status: HealthStatus;
    message: string;
    progress: number | null;
    metrics: { name: string; value: number }[];
  };
  /** A job told of itself: that it begins, or that it has ended (`exitCode` null: it failed). `ping`: hash of its token. */
  'ping.received': { check: string; ping: string; signal: 'start' | 'end'; exitCode: number | null };
  'host.sampled': {
    cpuRatio: number | null;
    memoryRatio: number | null;
    disks: { mount: string; ratio: number }[];
    processes: number | null;
    handles: number | null;
  };

  'restart.decided': { reason: RestartReason; by: Requester; decision: Decision; counted: boolean };
  'restart.finished': { reason: RestartReason; outcome: 'success' | 'failure'; durationMs: number };
  'recovery.started': { recovery: RecoveryId; reason: StartReason; detectedAt: EpochMs };
  'recovery.finished': {
    recovery: RecoveryId;
    reason: StartReason;
    outcome: RecoveryOutcome;
    durationMs: number;
    phases: RecoveryPhases;
  };

  'checkpoint.written': {
    checkpoint: CheckpointId;
    trigger: CheckpointTrigger;
    sizeBytes: number;
    durationMs: number;
    capturedAt: EpochMs;
  };
  'checkpoint.write_failed': { trigger: CheckpointTrigger; why: string };
  'checkpoint.corrupted': { checkpoint: CheckpointId; why: string };
  'checkpoint.restored': {
    checkpoint: CheckpointId | null;
    source: RestoreSource;
    outcome: 'success' | 'failure';
    entriesReplayed: number;
    dataLossMs: number;
    /** Newer checkpoints that are damaged or gone. */
    checkpointsLost: number;
  };
  /**
   * What had been stored is not there any more: checkpoints by their first and last place in the row of the component,
   * entries of its journal between two that are known; null: none.
   */
  'checkpoint.lost': {
    sequences: readonly [number, number] | null;
    entries: { readonly after: number; readonly before: number } | null;
    why: string;
  };

  /** Something is wrong, or a component is being brought back: from now on its events carry the incident's id. */
  'incident.opened': {
    incident: IncidentId;
    severity: IncidentSeverity;
    category: IncidentCategory;
    title: string;
    description: string;
    signature: string;
    /** When the fault began, as far as is known. */
    startedAt: EpochMs;
    breaker: string | null;
    previous: IncidentId | null;
  };
  /** The fault came again, or is worse than it was thought to be. */
  'incident.updated': { incident: IncidentId; severity: IncidentSeverity; repeats: number; why: string };
  'incident.acknowledged': { incident: IncidentId; severity: IncidentSeverity; by: Acknowledger; afterMs: number };
  'incident.resolved': {
    incident: IncidentId;
    severity: IncidentSeverity;
    by: Resolver;
    resolution: string;
    durationMs: number;
  };

  /** A breaker changed its state. `component`: whose call moved it; `until`: when an open one lets a probe through. */
  'breaker.transitioned': {
    breaker: string;
    from: BreakerState;
    to: BreakerState;
    trigger: Trigger;
    reason: string;
    caller: ComponentName | null;
    firstFailureAt: EpochMs | null;
    until: EpochMs | null;
  };
  /** A component told how one of its calls ended, or was told not to make it. */
  'breaker.called': { breaker: string; caller: ComponentName; result: CallResult; durationMs: number };

  /** What is given up changed. `until`: when the pin that asks for it ends; null: nothing ends by itself. */
  'degradation.level_changed': {
    from: DegradationLevel;
    to: DegradationLevel;
    trigger: Trigger;
    reason: string;
    until: EpochMs | null;
  };
  /** Somebody holds the level, since `since`: a person at exactly this one, anything else at this one or a worse. */
  'degradation.pinned': { level: DegradationLevel; trigger: Trigger; since: EpochMs; until: EpochMs | null };
  /** Whoever held it holds it no more: the pin was lifted, or its time is over. */
  'degradation.unpinned': { level: DegradationLevel; trigger: Trigger; why: 'lifted' | 'expired' };
  /** `cause`: the component that it was given up or came back with; null: it was the level. */
  'degradation.feature_changed': {
    feature: string;
    enabled: boolean;
    reason: string | null;
    cause: ComponentName | null;
  };
  /**
   * The command of a feature that was switched has ended; `output`: the end of what it said. `cancelled`: a daemon that
   * stops has ended it, and the next one runs it anew.
   */
  'degradation.command_finished': {
    feature: string;
    command: 'on_disable' | 'on_enable';
    outcome: 'success' | 'failure' | 'cancelled';
    why: string;
    output: string;
    durationMs: number;
  };
  /** With each change but those of features that go with their components, and once a day while less is done. */
  'degradation.recorded': DegradationRecord;
  /** Time that was spent at a level since it was last told. */
  'degradation.lasted': { level: DegradationLevel; durationMs: number };

  /** Somebody called a webhook and was answered. `rejection`: refused before any alert was read. */
  'webhook.answered': {
    receiver: Receiver;
    code: number;
    rejection: Rejection | null;
    durationMs: number;
    alerts: number;
    truncated: number;
    groupKey: string;
    userAgent: string;
    trace: TraceContext;
    /** The caller's own span; null: it named none. */
    parent: TraceContext | null;
  };
  /** One alert of a webhook was read. `delayMs`: since it began to fire; null unless it fires for the first time. */
  'alert.received': {
    receiver: Receiver;
    alert: AlertIdentity | null;
    disposition: Disposition;
    delayMs: number | null;
  };
  /** What becomes of the action that an alert asked for; on disk before the webhook is answered. */
  'remediation.decided': {
    remediation: RemediationId;
    action: ActionName;
    parameters: Readonly<Record<string, unknown>>;
    decision: RemediationDecision;
    why: string;
    alert: AlertIdentity;
    receiver: Receiver;
    /** Which rule of the configuration matched, counted from 0, and what it is known by wherever it stands; null: none. */
    rule: number | null;
    ruleId: string | null;
    /** The webhook's own trace. */
    trace: TraceContext;
  };
  'remediation.finished': {
    remediation: RemediationId;
    action: ActionName;
    outcome: ExecutionOutcome;
    message: string;
    durationMs: number;
  };

  'experiment.started': { run: ExperimentRunId; experiment: string };
  /** A real fault was made. */
  'fault.injected': { run: ExperimentRunId; fault: string; pid: number };
  /** What the fault had left behind was put right by the experiment itself. */
  'fault.undone': { run: ExperimentRunId; fault: string; how: string };
  'experiment.finished': {
    run: ExperimentRunId;
    experiment: string;
    outcome: ExperimentOutcome;
    why: string;
    durationMs: number;
    /** Fault to verified healthy, and the time whose changes were lost; null: not measured. */
    rtoMs: number | null;
    rpoMs: number | null;
    checks: ExperimentCheck[];
    /** What the fault led to. */
    incidents: IncidentId[];
  };

  /** Spans went out to a collector or notifications to a target, or they were given up. */
  'telemetry.exported': { sink: TelemetrySink; items: number };
  'telemetry.dropped': { sink: TelemetrySink; reason: DropReason; items: number };
}

/** Milliseconds of each phase of a recovery; detect = fault to detection. */
export interface RecoveryPhases {
  readonly detectMs: number;
  readonly decideMs: number;
  readonly actMs: number;
  readonly verifyMs: number;
}

export type EventType = keyof EventFields;

type HostEvent =
  'daemon' | 'config' | 'store' | 'system' | 'host' | 'breaker' | 'degradation' | 'webhook' | 'alert' | 'telemetry';
/** Events about a component name it; events about the daemon or the host do not. */
type Subject<T extends EventType> = T extends `${HostEvent}.${string}` ? object : { component: ComponentName };

/** `incident`: the open incident that the event belongs to; put there by the bus. */
export type EventOf<T extends EventType> = { type: T; at: EpochMs; incident?: IncidentId } & Subject<T> &
  EventFields[T];
export type RecoveryEvent = { [T in EventType]: EventOf<T> }[EventType];
export type ComponentEvent = Extract<RecoveryEvent, { component: ComponentName }>;
export type IncidentEvent = Extract<RecoveryEvent, { type: `incident.${string}` }>;

/**
 * What a store owes an event. `acknowledged`: written by the next `sync`, before somebody is answered, and survives a
 * power cut. `decision`: on disk before anyone is told, survives SIGKILL of the daemon.
 * `observation`: on disk within 100 ms or with the next decision. `passing`: told, never stored.
 */
export type Durability = 'acknowledged' | 'decision' | 'observation' | 'passing';

export const durability: { readonly [T in EventType]: Durability } = {
  'daemon.started': 'decision',
  'daemon.stopped': 'decision',
  'daemon.ticked': 'passing',
  'daemon.stalled': 'decision',
  'config.reloaded': 'decision',
  'config.rejected': 'decision',
  'store.set_aside': 'decision',
  'system.restarting': 'decision',
  'system.restarted': 'decision',
  'system.recovered': 'decision',
  'system.checkpointed': 'decision',
  'component.starting': 'decision',
  'component.started': 'decision',
  'component.start_failed': 'decision',
  'component.adopted': 'decision',
  'component.absent': 'decision',
  'component.ready': 'observation',
  'component.start_timed_out': 'decision',
  'component.health_changed': 'observation',
  'component.stopping': 'decision',
  'component.stopped': 'decision',
  'component.unkillable': 'decision',
  'component.crashed': 'decision',
  'component.failed': 'decision',
  'component.held': 'decision',
  'component.released': 'decision',
  'component.removed': 'decision',
  'component.sampled': 'passing',
  'crash.reported': 'observation',
  'crash.report_failed': 'observation',
  'check.completed': 'passing',
  'check.changed': 'observation',
  'check.tripped': 'decision',
  'heartbeat.received': 'passing',
  'ping.received': 'decision',
  'host.sampled': 'passing',
  'restart.decided': 'decision',
  'restart.finished': 'observation',
  'recovery.started': 'decision',
  'recovery.finished': 'observation',
  'checkpoint.written': 'observation',
  'checkpoint.write_failed': 'observation',
  'checkpoint.corrupted': 'observation',
  'checkpoint.restored': 'observation',
  'checkpoint.lost': 'decision',
  'incident.opened': 'decision',
  'incident.updated': 'observation',
  'incident.acknowledged': 'decision',
  'incident.resolved': 'decision',
  'breaker.transitioned': 'decision',
  'breaker.called': 'passing',
  'degradation.level_changed': 'decision',
  'degradation.pinned': 'decision',
  'degradation.unpinned': 'decision',
  'degradation.feature_changed': 'decision',
  'degradation.command_finished': 'decision',
  'degradation.recorded': 'decision',
  'degradation.lasted': 'passing',
  'webhook.answered': 'passing',
  'alert.received': 'passing',
  'remediation.decided': 'acknowledged',
  'remediation.finished': 'decision',
  'experiment.started': 'decision',
  'fault.injected': 'decision',
  'fault.undone': 'decision',
  'experiment.finished': 'decision',
  'telemetry.exported': 'passing',
  'telemetry.dropped': 'passing',
};

export const eventTypes = Object.keys(durability) as EventType[];

/** States facts: stores what must be stored in one transaction, then tells the listeners, in order. */
export type Emit = (...events: readonly RecoveryEvent[]) => void;
/** Hears events that are already stored. May throw: it is reported, never obeyed. */
export type Listener = (event: RecoveryEvent, seq: number | null) => void;

import type { Done } from '../actions/action.ts';
import type { Experiments } from '../chaos/experiments.ts';
import type { Breakers } from '../breakers/index.ts';
import type { CheckpointInfo, StateStore } from '../checkpoints/state-store.ts';
import type { DegradationStatus } from '../degradation/index.ts';
import type { ToldCrash } from '../crashes/index.ts';
import type { IncidentDesk } from '../incidents/index.ts';
import type { RemediationDesk } from '../remediation/index.ts';
import type {
  ComponentName,
  ComponentStateName,
  Decision,
  DegradationLevel,
  HealthStatus,
  Listener,
  Requester,
} from '../model/index.ts';
import type { Dirtiness } from './auto-checkpoint.ts';
import type { Commands } from './commands.ts';

/*
 * What the daemon offers to HTTP, the command line and the library. Views are plain JSON in the names of the
 * contract (snake_case, ISO 8601 times, seconds), made anew at each call.
 */

export interface CheckView {
  readonly name: string;
  readonly kind: string;
  readonly status: string;
  readonly message: string;
  readonly severity: number;
  readonly at: string | null;
  readonly consecutive_failures: number;
}

export interface ComponentView {
  readonly name: string;
  readonly kind: string;
  readonly state: ComponentStateName;
  readonly health: HealthStatus;
  readonly priority: string;
  readonly enabled: boolean;
  /** Held down by a person. */
  readonly held: boolean;
  readonly pid: number | null;
  readonly incarnation: string | null;
  readonly adopted: boolean;
  readonly since: string;
  readonly uptime_seconds: number | null;
  readonly restarts: number;
  readonly crashes: number;
  readonly last_crash_at: string | null;
  readonly restart_budget: { readonly used: number; readonly limit: number; readonly window_seconds: number };
  /** When the next start is due, in state backoff. */
  readonly next_start_at: string | null;
  /** Why it is in this state, for people; empty when there is nothing to say. */
  readonly why: string;
  readonly depends_on: readonly string[];
  readonly cpu_ratio: number | null;
  readonly resident_memory_bytes: number | null;
  readonly open_fds: number | null;
  readonly checks: readonly CheckView[];
}

export interface StatusView {
  readonly version: string;
  readonly pid: number;
  readonly address: string;
  readonly started_at: string;
  readonly uptime_seconds: number;
  readonly config: string;
  readonly state_dir: string;
  readonly recovery_mode: boolean;
  readonly health: HealthStatus;
  /** What makes `health` what it is, for people; empty when all is well. */
  readonly why: string;
  readonly level: DegradationLevel;
  /** Why the level is what it is, for people; empty when there is nothing to say. */
  readonly level_why: string;
  readonly features_off: readonly string[];
  readonly restarts_last_hour: number;
  readonly max_restarts_per_hour: number;
  readonly components: readonly ComponentView[];
}

export interface HealthView {
  readonly status: HealthStatus;
  readonly summary: Readonly<Record<HealthStatus, number>>;
  readonly components: Readonly<
    Record<string, { readonly status: HealthStatus; readonly checks: readonly CheckView[] }>
  >;
}

/** What would happen if it crashed now, and why. */
export interface ExplainView {
  readonly component: string;
  readonly state: ComponentStateName;
  readonly if_it_crashed_now: Decision;
  readonly sentence: string;
  readonly policy: Readonly<Record<string, unknown>>;
  readonly restart_budget: ComponentView['restart_budget'];
  /** How often its most frequent crash came within 24 h, and how often makes it fail; 0: no matter how often. */
  readonly slow_loop: { readonly used: number; readonly limit: number };
  readonly attempts: number;
  /** It has crashed too often soon after it was given these: it would continue from an older one. */
  readonly poisoned_checkpoints: readonly string[];
  readonly dependents: readonly string[];
  /** What would be off if it were given up. */
  readonly features: readonly string[];
}

/** One row of the crash list; `report` is the file's path, null until it is written. */
export interface CrashView {
  readonly crash_id: string;
  readonly at: string;
  readonly component: string;
  readonly type: string;
  readonly severity: string;
  readonly exit_code: number | null;
  readonly signal: string | null;
  readonly uptime_seconds: number;
  readonly report: string | null;
}

/** What components were brought back to, because somebody asked for it. */
export interface RecoveryView {
  readonly recovery_id: string;
  readonly at: string;
  readonly mode: string;
  readonly by: string;
  readonly outcome: string;
  /** null: they were not brought back to a manifest. */
  readonly manifest_id: string | null;
  readonly points: readonly {
    readonly component: string;
    readonly checkpoint_id: string | null;
    readonly estimated_data_loss_seconds: number;
    readonly how: string;
    readonly why: string | null;
  }[];
}

/** An event in the contract's names, with `seq` as its SSE id; `seq` null: it was only told, not stored. */
export type EventView = { readonly seq: number | null; readonly at: string; readonly type: string } & Readonly<
  Record<string, unknown>
>;

export interface ReloadView {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
  /** Settings that this daemon cannot put in force: the next one will. */
  readonly daemon_restart_needed: readonly string[];
}

/** The whole of a running daemon. Rejects and throws ParamedicError only. */
export interface Daemon {
  readonly state: StateStore;
  readonly incidents: IncidentDesk;
  readonly remediation: RemediationDesk;
  readonly commands: Commands;
  readonly experiments: Experiments;
  readonly breakers: Breakers;
  degradation(): DegradationStatus;
  status(): StatusView;
  components(): readonly ComponentView[];
  /** @throws COMPONENT_NOT_FOUND */
  component(name: string): ComponentView;
  /** @throws COMPONENT_NOT_FOUND */
  explain(name: string): ExplainView;
  health(): HealthView;
  /** It supervises: the boot is over and it is not stopping. */
  ready(): boolean;
  /** Newest first. */
  crashes(filter: { component?: string; limit: number }): readonly CrashView[];
  /** A crash report's whole JSON; undefined when there is none. */
  crashReport(id: string): Promise<unknown>;
  checkpoints(component: string | undefined, limit: number): Promise<CheckpointInfo[]>;
  /** Deletes what the retention does not keep, now. @returns how many went. */
  pruneCheckpoints(): Promise<number>;
  /** Newest first. */
  recoveries(limit: number): readonly RecoveryView[];
  /**
   * Asks the action registry. Resolves when the action is done: a start or restart when verified healthy.
   * Rejects with COMPONENT_NOT_FOUND, ACTION_REFUSED, ACTION_FAILED, BODY_INVALID (unknown action or parameters).
   */
  act(action: string, parameters: unknown, by: Requester): Promise<Done & { readonly action: string }>;
  /** Stored events after `seq`, oldest first, at most `limit`. */
  eventsAfter(seq: number, limit: number): readonly EventView[];
  /** The newest `limit` stored events, oldest first. */
  newestEvents(limit: number): readonly EventView[];
  lastSeq(): number;
  /** Hears every event from now on. @returns how to stop hearing. */
  subscribe(listener: Listener): () => void;
  view(event: Parameters<Listener>[0], seq: number | null): EventView;
  /** Paths of a component's current output files. @throws COMPONENT_NOT_FOUND */
  logFiles(name: string): { readonly stdout: string; readonly stderr: string };
  /** The configuration in force, secrets masked. */
  config(): unknown;
  /** Reads the configuration again; rejects with CONFIG_INVALID and changes nothing when it is bad. */
  reload(): Promise<ReloadView>;
  /** Prometheus text: OpenMetrics with exemplars, or the classic format. */
  metrics(format: 'openmetrics' | 'classic'): Promise<{ readonly contentType: string; readonly body: string }>;
  /** Begins the stop and returns; the process ends when all is stopped. */
  requestStop(options: { keepComponents: boolean }): void;

  /**
   * Who speaks: the component whose token it is and whether its incarnation is the current one.
   * undefined: no token of ours.
   */
  authenticate(
    token: string,
  ): { readonly component: ComponentName; readonly incarnation: string; readonly current: boolean } | undefined;
  /** It speaks for itself, and for the logical components that live inside it. */
  speaksFor(component: ComponentName, other: string): other is ComponentName;
  /** @param body the parsed `POST heartbeat`. Of a logical component that is stopped it is passed over. */
  heartbeat(component: ComponentName, body: HeartbeatBody): void;
  /** A job tells of itself. @returns false: no check has this token. */
  ping(token: string, told: { readonly signal: 'start' | 'end'; readonly exitCode: number | null }): boolean;
  /** How its calls ended, whether or not a breaker guards them: for checks of its success rate. */
  outcomes(component: ComponentName, outcomes: readonly { readonly dependency: string; readonly ok: boolean }[]): void;
  /** What the component says of the end that it is about to have. */
  testify(component: ComponentName, told: ToldCrash): void;
  /** What the component continues from; remembers that it was asked for. */
  restore(component: ComponentName): ReturnType<StateStore['getState']>;
}

export interface HeartbeatBody {
  readonly status?: HealthStatus | undefined;
  readonly message?: string | undefined;
  readonly progress?: number | undefined;
  readonly metrics?: Readonly<Record<string, number>> | undefined;
  /** Whether anything has changed since the newest checkpoint, and whether it can wait. */
  readonly state?: Dirtiness | undefined;
  /** Age of the oldest of them that is neither in a checkpoint nor journalled. */
  readonly dirty_seconds?: number | undefined;
}

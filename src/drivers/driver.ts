import type {
  ComponentName,
  EngineIdentity,
  EngineKind,
  EngineVerdict,
  Exit,
  HealthStatus,
  IncarnationId,
  ProcessIdentity,
  ProcessUsage,
} from '../model/index.ts';
import type { EngineSettings, LogPolicy, StopPolicy } from './schema.ts';

/** All that a driver needs to run one life of a component. */
export interface StartPlan {
  readonly component: ComponentName;
  readonly incarnation: IncarnationId;
  readonly command: readonly string[];
  /** Absolute. */
  readonly cwd: string;
  /** The whole environment of the child: nothing else is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly logs: LogPolicy;
  /** Whom it runs as, by name or number; the daemon's own user unless given. */
  readonly user?: string | undefined;
  readonly group?: string | undefined;
  /** -20 (most of the CPU) to 19; the daemon's own unless given. */
  readonly nice?: number | undefined;
  /** What runs it; absent: it is a child process of ours, made from `command`. */
  readonly engine?: EngineSettings | undefined;
  /** Time an engine has to bring it up, ms. A process is not waited for: it is verified when it is there. */
  readonly startTimeoutMs: number;
}

/** Who ran when it was last stored. */
export interface RecordedRun {
  readonly process: ProcessIdentity | null;
  readonly engine: EngineIdentity | null;
}

/** A way of running components. One contract suite runs against each. */
export interface Driver {
  readonly kind: 'process' | EngineKind | 'any';
  /**
   * Does ahead of a start what would hold it up, and the starts after it; absent: there is nothing of the kind. Never
   * rejects: a start does without, and tells what is wrong.
   */
  prepare?(plan: Pick<StartPlan, 'component' | 'engine'>): Promise<void>;
  /**
   * Resolves once it runs. What an engine runs already is taken over as it is. Rejects with SPAWN_FAILED.
   * @param signal aborted when its end is wanted already: nothing more is waited for.
   */
  start(plan: StartPlan, signal?: AbortSignal): Promise<Running>;
  /**
   * Takes over what outlived the daemon; null when it has gone, or when something else is in its place. An engine that
   * cannot be asked is no reason to give it up: it is taken over unseen. Never rejects.
   */
  adopt(plan: StartPlan, recorded: RecordedRun): Running | null | Promise<Running | null>;
  /**
   * What an engine runs already, whoever has started it; null: nothing runs; pending: not yet, or not just now. Rejects with one
   * sentence, which the log is told too, when it cannot be asked. Absent: what runs can only be ours.
   */
  find?(plan: StartPlan): Promise<Running | 'pending' | null>;
  /** Lets go of what was kept for a component that was removed from the configuration. */
  forget(component: ComponentName): Promise<void>;
  /** Ends timers and closes files; what runs goes on running. Idempotent. */
  close(): Promise<void>;
}

/** What an engine says of the health of what it runs. */
export interface EngineHealth {
  readonly status: HealthStatus;
  /** One line for people. */
  readonly message: string;
}

/** What becomes of it once it is stopped: what can be replaced without a gap need not be stopped for a restart. */
export type AfterStop = 'stop' | 'restart';

/** One run of a component: a process with all that it has started, or what an engine runs for us. */
export interface Running {
  /** Null where what runs is not known to be a process of this machine; of an engine's run, as last told. */
  readonly process: ProcessIdentity | null;
  /** Absent: it is a process that we have made. */
  readonly engine?: EngineIdentity;
  /** It ran before we came. */
  readonly adopted: boolean;
  /**
   * Settles exactly once and never rejects: an exit is a fact, not an error. By then the rest of its process
   * group has been ended, so that the next start finds ports and files free.
   */
  readonly exited: Promise<Exit>;
  /**
   * The signal, then after the time allowed the kill of the whole tree; by an engine, its own ways. Idempotent.
   * @returns how it ended; `forced` when it did not go by itself.
   */
  stop(policy: StopPolicy, next?: AfterStop): Promise<{ exit: Exit; forced: boolean }>;
  /** Kills the whole tree at once. */
  kill(): Promise<Exit>;
  /**
   * CPU, memory and descriptors of all that belongs to it, as last told; null: gone, or nobody tells.
   * @param maxAgeMs a reading that somebody else took so short a time ago will do.
   */
  usage(maxAgeMs?: number): ProcessUsage | null;
  /**
   * The last bytes that this life (not an earlier one) wrote to a stream; at most `bytes`, undecodable bytes replaced.
   * Empty where nobody tells; an engine's is read when the end is known.
   */
  outputTail(stream: 'stdout' | 'stderr', bytes: number): string;
  /** What the engine tells of an end, once `exited` has settled; absent: it is a process. */
  verdict?(): EngineVerdict | null;
  /** Somebody else knows that it has ended; only where nothing tells the driver. */
  lost?(): void;
  /** What the engine last said of its health; absent or null: it does not tell. */
  health?(): EngineHealth | null;
}

/** A living process that carries a component's token in its environment. */
export interface Survivor {
  readonly component: ComponentName;
  readonly incarnation: IncarnationId;
  readonly token: string;
  readonly process: ProcessIdentity;
  /** The one that was spawned; false: something that it has started. */
  readonly leader: boolean;
}

/** Looks through all processes of this user for those that a daemon of ours has started. */
export type FindSurvivors = () => Promise<Survivor[]>;

import type { ComponentName, Exit, IncarnationId, ProcessIdentity, ProcessUsage } from '../model/index.ts';
import type { LogPolicy, StopPolicy } from './schema.ts';

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
}

/** A way of running components. One contract suite runs against each. */
export interface Driver {
  readonly kind: string;
  /** Resolves once the system has the process. Rejects with SPAWN_FAILED. */
  start(plan: StartPlan): Promise<Running>;
  /** Takes over a process that outlived the daemon; null when it is no longer the same one. */
  adopt(plan: Pick<StartPlan, 'component' | 'incarnation' | 'logs'>, process: ProcessIdentity): Running | null;
}

/** One running process with all that it has started. */
export interface Running {
  readonly process: ProcessIdentity;
  readonly adopted: boolean;
  /**
   * Settles exactly once and never rejects: an exit is a fact, not an error. By then the rest of its process
   * group has been ended, so that the next start finds ports and files free.
   */
  readonly exited: Promise<Exit>;
  /**
   * The signal, then after the time allowed the kill of the whole tree. Idempotent.
   * @returns how it ended; `forced` when it did not go by itself.
   */
  stop(policy: StopPolicy): Promise<{ exit: Exit; forced: boolean }>;
  /** Kills the whole tree at once. */
  kill(): Promise<Exit>;
  /** CPU, memory and descriptors of the whole tree; null once it has gone. */
  usage(): ProcessUsage | null;
  /** The last bytes that this life (not an earlier one) wrote to a stream; at most `bytes`, undecodable bytes replaced. */
  outputTail(stream: 'stdout' | 'stderr', bytes: number): string;
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

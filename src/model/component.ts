import type { ComponentName, EpochMs, IncarnationId, RecoveryId } from './ids.ts';
import type { HealthStatus } from './health.ts';
import type { EngineIdentity, ProcessIdentity } from './process.ts';
import type { StartReason } from './restart.ts';

/**
 * Where a component is. The transitions:
 *
 *   stopped ──start──▶ starting ──verified healthy──▶ running ──stop──▶ stopping ──exit──▶ stopped
 *                         │                             │
 *                         └──────── exit, timeout ──────┴──▶ (decision) ──▶ backoff ──▶ starting
 *                                                                      └──▶ failed ──a person──▶ starting
 *
 * `starting` has neither process nor engine until something runs: a daemon that finds it so after its own death
 * looks for the incarnation among the living before it starts anything. `process`: null where what runs is not known to
 * be a process of this machine; `engine`: only where it is not a child process of ours.
 */
export type ComponentState =
  | {
      readonly is: 'stopped';
      readonly since: EpochMs;
      readonly why: string;
      /** It was decided to leave it so: a daemon that comes back after its own death does not start it either. */
      readonly settled: boolean;
      /** Settled because its end was a welcome one: an exit code that means done. */
      readonly done?: true;
    }
  | {
      readonly is: 'starting';
      readonly since: EpochMs;
      readonly incarnation: IncarnationId;
      readonly reason: StartReason;
      readonly process: ProcessIdentity | null;
      readonly engine?: EngineIdentity;
    }
  | {
      readonly is: 'running';
      readonly since: EpochMs;
      readonly incarnation: IncarnationId;
      readonly process: ProcessIdentity | null;
      readonly engine?: EngineIdentity;
      readonly health: HealthStatus;
    }
  | {
      readonly is: 'stopping';
      readonly since: EpochMs;
      readonly incarnation: IncarnationId;
      readonly process: ProcessIdentity | null;
      readonly engine?: EngineIdentity;
      readonly next: 'stop' | 'restart';
      /** It was killed and is still there. */
      readonly why?: string;
    }
  | { readonly is: 'backoff'; readonly since: EpochMs; readonly until: EpochMs | null; readonly why: string }
  | { readonly is: 'failed'; readonly since: EpochMs; readonly why: string };

/** The metric label `state`. */
export const componentStates = [
  'stopped',
  'starting',
  'running',
  'degraded',
  'unhealthy',
  'stopping',
  'backoff',
  'failed',
] as const;
export type ComponentStateName = (typeof componentStates)[number];

/** A recovery under way: stored so that a daemon that died half-way finishes the same one. */
export interface OpenRecovery {
  readonly id: RecoveryId;
  readonly reason: StartReason;
  readonly detectedAt: EpochMs;
}

/** All that must be remembered of one component: a fold of its events, stored beside them in the same transaction. */
export interface ComponentRecord {
  readonly component: ComponentName;
  readonly state: ComponentState;
  /** A person stopped it: it stays down until a person starts it (or the daemon starts afresh). */
  readonly held: boolean;
  readonly recovery: OpenRecovery | null;
  /** Restarts since the component was last healthy for a whole `restart_window`: what the backoff grows with. */
  readonly attempts: number;
  readonly crashes: number;
  readonly lastCrashAt: EpochMs | null;
  readonly totalRestarts: number;
  /** When the start is due for which the process that still lives is being ended; null: none is. */
  readonly nextStartAt: EpochMs | null;
  /** When it was last verified healthy, and when the process before the current one ended. */
  readonly readyAt: EpochMs | null;
  /** Since when it has been healthy without a break; null: it is not. */
  readonly healthySince: EpochMs | null;
  readonly lastEndAt: EpochMs | null;
  readonly startedAt: EpochMs | null;
  /** Its last start has failed, or is under way: what was to run it may do so, although nothing is known to run. */
  readonly mayRun: boolean;
}

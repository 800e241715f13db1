import type { z } from 'zod';
import type { Clock } from '../clock.ts';
import type { EpochMs, HealthStatus, ProcessIdentity, ProcessUsage } from '../model/index.ts';
import type { PingState } from './pings.ts';

/** What one run of a check found. Expected trouble is a result; a throw becomes `unhealthy` with its message. */
export interface CheckResult {
  readonly status: HealthStatus;
  /** One line for people: what was asked, what came back. */
  readonly message: string;
  /** 0 well … 10 worst (specification 3.1). */
  readonly severity: number;
  /** Measured on the way, for the host's metrics: how long it took to reach something. */
  readonly latency?: { readonly target: string; readonly ms: number } | undefined;
}

/** The last sign of life that a component gave by itself. */
export interface Heartbeat {
  readonly at: EpochMs;
  readonly status: HealthStatus;
  readonly message: string;
  readonly progress: number | null;
  /** What it measured of itself, by name. */
  readonly metrics?: Readonly<Record<string, number>>;
}

/** How many of a component's calls went well, and how many did not. */
export interface Successes {
  readonly ok: number;
  readonly failed: number;
}

/**
 * What a check may ask of the component it belongs to; all null for the host's own checks.
 * The monitor answers `heartbeat` itself, with the beats it was told of in this life.
 */
export interface CheckSubject {
  /** The machine itself, not a component. */
  readonly isHost: boolean;
  process(): ProcessIdentity | null;
  usage(): ProcessUsage | null;
  heartbeat(): Heartbeat | null;
  /** What the engine that runs it last said of its health; null: there is none, or it does not tell. */
  engine(): Pick<CheckResult, 'status' | 'message'> | null;
  /** When the current life started; null while there is none. */
  startedAt(): EpochMs | null;
  /** The last pings that came with a token; null: none, or there are no pings here. */
  ping?(token: string): PingState | null;
  /**
   * Of the outcomes that were told of the component in this life, for the last `windowMs`: of its calls (`of` is a
   * dependency) or of its other checks (`of` is a check); all of them without `of`. The monitor answers this itself.
   */
  successes(source: OutcomeSource, of: string | undefined, windowMs: number): Successes;
}

export type OutcomeSource = 'calls' | 'checks';

export interface CheckContext {
  readonly clock: Clock;
  /** Aborted at the check's timeout and when the monitor stops. */
  readonly signal: AbortSignal;
  readonly subject: CheckSubject;
  /** Memory of this one check between its runs in one life (a condition that must last, a counter's last value). */
  readonly memory: Map<string, number>;
  /** Folder that relative paths and commands start from. */
  readonly cwd: string;
}

/** One kind of check: name, sentence, options and behaviour in one file. */
export interface Check<Options extends z.ZodType = z.ZodType> {
  readonly kind: string;
  readonly summary: string;
  readonly options: Options;
  /** Run also when a heartbeat brings something new; a start waits for that instead of asking again and again. */
  readonly onHeartbeat?: boolean;
  /** Tells nothing before the component has worked for a while: a start does not wait for it. */
  readonly needsWork?: boolean;
  run(options: z.output<Options>, context: CheckContext): Promise<CheckResult> | CheckResult;
}

/** Keeps the options' type inside the file and forgets it outside: the registry holds all kinds alike. */
export function defineCheck<Options extends z.ZodType>(check: Check<Options>): Check {
  return check as unknown as Check;
}

export const healthy = (message: string): CheckResult => ({ status: 'healthy', message, severity: 0 });
export const degraded = (message: string, severity = 5): CheckResult => ({ status: 'degraded', message, severity });
export const unhealthy = (message: string, severity = 7): CheckResult => ({ status: 'unhealthy', message, severity });
export const critical = (message: string, severity = 9): CheckResult => ({ status: 'critical', message, severity });
export const unknown = (message: string): CheckResult => ({ status: 'unknown', message, severity: 0 });

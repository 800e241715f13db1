import type { BreakerState, ComponentName, EpochMs, Trigger } from '../model/index.ts';
import type { BreakerPolicy } from './schema.ts';

/** One breaker at this moment. */
export interface BreakerStatus {
  readonly name: string;
  readonly state: BreakerState;
  readonly since: EpochMs;
  /** When an open one lets probes through; null: it is not open. */
  readonly until: EpochMs | null;
  /** Why it is in this state; empty: it has never been in another. */
  readonly reason: string;
  readonly consecutiveFailures: number;
  /** Probes that have not reported back yet. */
  readonly probesInFlight: number;
  /** Calls that have ended within `failure_window`, late ones included. */
  readonly calls: number;
  /** How many of them failed, 0–1; null: there were none. */
  readonly failureRatio: number | null;
  readonly policy: BreakerPolicy;
}

/** The answer to who asks before a call. */
export type Permission =
  /** Make it, and report it under this permit. */
  | { readonly permitted: true; readonly permit: string; readonly state: BreakerState }
  /** Do not; it is worth asking again after `waitMs`. */
  | { readonly permitted: false; readonly waitMs: number; readonly state: BreakerState };

/** How a call ended that a component has made. */
export interface Outcome {
  readonly dependency: string;
  readonly ok: boolean;
  readonly durationMs: number;
  /** What went wrong; `timeout` is counted as such. */
  readonly error?: string | undefined;
  /** Under which permit the call was made. */
  readonly permit?: string | undefined;
}

/** What a person, an alert or an experiment may do. Each returns what was done, as a sentence. @throws BREAKER_NOT_FOUND */
export interface BreakerControl {
  /** No call is permitted until it is closed or reset. */
  open(name: string, trigger: Trigger): string;
  /** Every call is permitted, however many fail, until it is opened or reset. */
  close(name: string, trigger: Trigger): string;
  /** Closed, with nothing remembered; from now on it judges by itself again. */
  reset(name: string, trigger: Trigger): string;
}

/** The breakers of the configuration: one per dependency, shared by all components. */
export interface Breakers extends BreakerControl {
  list(): readonly BreakerStatus[];
  /** @throws BREAKER_NOT_FOUND */
  get(name: string): BreakerStatus;
  /** May `caller` make a call now? @throws BREAKER_NOT_FOUND */
  permit(name: string, caller: ComponentName): Permission;
  /** Takes outcomes in the order in which the calls ended. @returns the dependencies that no breaker is there for. */
  report(outcomes: readonly Outcome[], caller: ComponentName): { readonly unknown: readonly string[] };
  /**
   * Makes a call in this process if it is permitted, and counts how it ended.
   * Rejects as the call does, or with BREAKER_OPEN. @throws BREAKER_NOT_FOUND
   */
  call<T>(name: string, run: () => T | Promise<T>, caller?: ComponentName): Promise<T>;
  /** Puts a configuration in force: what is new begins, or goes on where it was left; what has gone is forgotten. */
  configure(policies: Readonly<Record<string, BreakerPolicy>>): void;
  /** Ends all timers. */
  shutdown(): void;
}

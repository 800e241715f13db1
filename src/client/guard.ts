import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import type { CallOutcome, Permit } from './breakers.ts';
import { ClientError, isPassing } from './client-error.ts';

/** What was not told to the daemon and never will be; none of it was acknowledged. */
export interface Dropped {
  readonly heartbeats: number;
  readonly outcomes: number;
}

export interface GuardOptions<T> {
  /** In place of a call that is not permitted; without it that is BREAKER_OPEN. */
  readonly fallback?: (refused: { readonly waitMs: number }) => T | Promise<T>;
}

/** Most that go in one body. */
const MOST_IN_A_LIST = 1_000;

export interface OutcomesOptions {
  readonly send: (outcomes: readonly CallOutcome[]) => Promise<unknown>;
  readonly limit: number;
  readonly onDrop: (count: number, why: unknown) => void;
}

/** Outcomes on their way to the daemon: those that come while others are under way go together. Late ones are worth nothing. */
export function createOutcomes({ send, limit, onDrop }: OutcomesOptions) {
  const waiting: CallOutcome[] = [];
  let running: Promise<void> | undefined;

  async function run(): Promise<void> {
    await setImmediate();
    while (waiting.length > 0) {
      const list = waiting.splice(0, MOST_IN_A_LIST);
      await send(list).catch((error: unknown) => onDrop(list.length, error));
    }
    running = undefined;
  }

  return {
    add(outcome: CallOutcome): void {
      if (waiting.length < limit) waiting.push(outcome);
      else onDrop(1, new ClientError('QUEUE_FULL', `${limit} outcomes are waiting for the daemon already.`));
      running ??= run();
    },
    drained: () => running ?? Promise.resolve(),
  };
}

export interface GuardDeps {
  /** Asked once, without another try. */
  readonly permit: (dependency: string) => Promise<Permit>;
  readonly tell: (outcome: CallOutcome) => void;
  readonly clock: Clock;
}

/** Makes one call if the dependency's breaker lets it through, and tells how it ended. */
export async function guarded<T>(
  dependency: string,
  call: () => T | Promise<T>,
  { fallback }: GuardOptions<T>,
  { permit, tell, clock }: GuardDeps,
): Promise<T> {
  // A daemon that is away is no reason to do without the dependency.
  const given = await permit(dependency).catch((error: unknown) => (isPassing(error) ? null : Promise.reject(error)));
  if (given && !given.permitted) {
    if (fallback) return fallback({ waitMs: given.waitMs });
    throw new ClientError('BREAKER_OPEN', `The breaker of "${dependency}" is ${given.state}: not called.`);
  }
  const began = clock.monotonic();
  const end = (outcome: Pick<CallOutcome, 'ok' | 'error'>) =>
    tell({
      dependency,
      durationMs: clock.monotonic() - began,
      ...(given?.permitted && { permitId: given.permitId }),
      ...outcome,
    });
  try {
    const result = await call();
    end({ ok: true });
    return result;
  } catch (error) {
    end({ ok: false, error: reasonOf(error) });
    throw error;
  }
}

/** `timeout` is counted as one: what AbortSignal.timeout throws is named so. */
const reasonOf = (error: unknown): string =>
  error instanceof Error && error.name === 'TimeoutError' ? 'timeout' : String(error).slice(0, 1_000);

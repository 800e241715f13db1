import { EventEmitter } from 'node:events';
import CircuitBreaker from 'opossum';
import type { Clock } from '../clock.ts';

/** What opossum does for us: it runs calls and keeps statistics of the last while. It decides nothing. */
export interface Engine {
  /** Makes a call that the policy has allowed; settles as the call does. */
  run<T>(call: () => T | Promise<T>): Promise<T>;
  /** Reckons in a call that was made elsewhere. */
  count(ok: boolean): void;
  /** Calls within the window, and how many of them failed. */
  statistics(): { readonly calls: number; readonly failures: number };
  close(): void;
}

const BUCKETS = 10;

type Counted = 'successes' | 'failures' | 'fires';
type Run = (call: () => unknown) => Promise<unknown>;

/**
 * opossum without an opinion: it would open by a percentage (the first failure is 100 %), half-open by a timer of its
 * own, close at the first success. While it warms up it judges no failure, so it always does: it never opens, and all
 * the rest begins with that. Nobody listens to it either: a listener that throws would turn a success into a failure.
 */
const noOpinion = { warmUp: { value: true } };

/** @param windowMs how far back the statistics reach, to a tenth of it. */
export function createEngine(name: string, windowMs: number, clock: Clock): Engine {
  const turn = new EventEmitter();
  const status = CircuitBreaker.newStatus({
    rollingCountTimeout: windowMs,
    rollingCountBuckets: BUCKETS,
    rollingPercentilesEnabled: false,
    enableSnapshots: false,
    rotateBucketController: turn,
  }) as CircuitBreaker.Status & { increment: (what: Counted) => void };
  // Its own would also keep the latency of each call, for as long as the window is.
  status.increment = (what) => {
    const [bucket] = status.window;
    if (bucket) bucket[what]++;
  };
  const run: Run = async (call) => call();
  // The library changes the options that it is given: they are its own. No timeout and no AbortController either.
  const breaker = new CircuitBreaker(run, { name, status, timeout: false, rollingPercentilesEnabled: false });
  Object.defineProperties(breaker, noOpinion);

  const bucketMs = windowMs / BUCKETS;
  let turnedAt = clock.monotonic();
  /** Old buckets go when somebody looks, so that no timer is needed. */
  const turnBuckets = () => {
    const turns = Math.floor((clock.monotonic() - turnedAt) / bucketMs);
    turnedAt += turns * bucketMs;
    for (let i = 0; i < Math.min(turns, BUCKETS); i++) turn.emit('rotate');
  };

  return {
    async run<T>(call: () => T | Promise<T>) {
      // The bucket that counts it is the one of its end.
      return (await breaker.fire(async () => {
        try {
          return await call();
        } finally {
          turnBuckets();
        }
      })) as T;
    },
    count(ok) {
      turnBuckets();
      status.increment(ok ? 'successes' : 'failures');
    },
    statistics() {
      turnBuckets();
      const { successes, failures } = status.stats;
      return { calls: successes + failures, failures };
    },
    close: () => breaker.shutdown(),
  };
}

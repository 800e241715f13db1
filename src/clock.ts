import { epochMs, type EpochMs } from './model/index.ts';

export interface Clock {
  /** Wall time: for timestamps people read and rows that outlive the process. May jump. */
  now(): EpochMs;
  /** Milliseconds from an arbitrary origin: for durations. Never goes back. */
  monotonic(): number;
  /** Resolves after `ms`; rejects with `signal.reason` when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `run` once after `ms`, unless the returned function is called before. Keeps no process alive. */
  after(ms: number, run: () => void): () => void;
  /**
   * Calls `run` again and again, first within `ms`, until the returned function is called, together with all that
   * happens as often or in multiples of it: to wake up costs more than what is then done. Keeps no process alive.
   * @param ms whole seconds.
   * @param run is told how late it is, in ms.
   */
  every(ms: number, run: (lateMs: number) => void): () => void;
}

/** Node's timers wrap round above this and would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** What happens every so many seconds happens on these: within so long this process is awake anyway. */
export const PULSE_MS = 1_000;

/** Waits once. @returns how to call it off. */
type Wait = (ms: number, run: () => void) => () => void;

const wait: Wait = (ms, run) => {
  const timer = setTimeout(run, Math.min(ms, LONGEST_TIMER_MS));
  timer.unref();
  return () => clearTimeout(timer);
};

/**
 * One timer for all that happens every so many seconds, on whole seconds of the monotonic clock, so that what began at
 * different times meets.
 */
export function createPulse(now: () => number, after: Wait): Clock['every'] {
  const rounds = new Set<{ readonly everyPulses: number; readonly run: (lateMs: number) => void }>();
  let cancel: (() => void) | null = null;
  /** The last second that was counted. */
  let last = 0;

  const arm = (): void => {
    cancel = after(Math.ceil((last + 1) * PULSE_MS - now()), beat);
  };

  const beat = (): void => {
    const before = last;
    const due = (before + 1) * PULSE_MS;
    // Timers count whole milliseconds of a clock of their own: one may come a little before its time.
    const at = Math.max(now(), due);
    last = Math.floor(at / PULSE_MS);
    arm();
    for (const { everyPulses, run } of rounds) {
      // What fell into a time in which nothing could run comes now.
      if (Math.floor(last / everyPulses) === Math.floor(before / everyPulses)) continue;
      try {
        run(at - due);
      } catch (error) {
        // The others know nothing of it.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  };

  return (ms, run) => {
    const round = { everyPulses: Math.max(1, Math.round(ms / PULSE_MS)), run };
    rounds.add(round);
    if (cancel === null) {
      last = Math.floor(now() / PULSE_MS);
      arm();
    }
    return () => {
      rounds.delete(round);
      if (rounds.size > 0) return;
      cancel?.();
      cancel = null;
    };
  };
}

export const systemClock: Clock = {
  now: () => epochMs(Date.now()),
  monotonic: () => performance.now(),
  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const stop = () => {
        clearTimeout(timer);
        reject(signal?.reason as Error);
      };
      const timer = setTimeout(
        () => {
          signal?.removeEventListener('abort', stop);
          resolve();
        },
        Math.min(ms, LONGEST_TIMER_MS),
      );
      signal?.addEventListener('abort', stop, { once: true });
    });
  },
  after: wait,
  every: createPulse(() => performance.now(), wait),
};

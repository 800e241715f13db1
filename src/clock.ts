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

const PULSE_MS = 1_000;

/** One timer for all that happens every so many seconds. */
function createPulse() {
  const rounds = new Set<{ readonly everyPulses: number; readonly run: (lateMs: number) => void }>();
  let timer: NodeJS.Timeout | null = null;
  let due = 0;

  /** Whole seconds of the monotonic clock, so that what began at different times meets. */
  const arm = (): void => {
    const now = performance.now();
    due = (Math.floor(now / PULSE_MS) + 1) * PULSE_MS;
    timer = setTimeout(beat, Math.ceil(due - now)).unref();
  };

  const beat = (): void => {
    const [late, pulse] = [Math.max(0, performance.now() - due), Math.round(due / PULSE_MS)];
    arm();
    for (const { everyPulses, run } of rounds) if (pulse % everyPulses === 0) run(late);
  };

  return (ms: number, run: (lateMs: number) => void): (() => void) => {
    const round = { everyPulses: Math.max(1, Math.round(ms / PULSE_MS)), run };
    rounds.add(round);
    if (timer === null) arm();
    return () => {
      rounds.delete(round);
      if (rounds.size > 0 || timer === null) return;
      clearTimeout(timer);
      timer = null;
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
  after(ms, run) {
    const timer = setTimeout(run, Math.min(ms, LONGEST_TIMER_MS));
    timer.unref();
    return () => clearTimeout(timer);
  },
  every: createPulse(),
};

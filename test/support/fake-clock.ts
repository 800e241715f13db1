import type { Clock } from '../../src/clock.ts';
import { epochMs } from '../../src/model/index.ts';

interface Timer {
  readonly due: number;
  readonly run: () => void;
}

/** A clock that stands still until `advance` moves it; timers run in order of their due time. */
export class FakeClock implements Clock {
  #time = 0;
  readonly #start: number;
  #timers: Timer[] = [];

  constructor(start = Date.UTC(2026, 10, 23, 12)) {
    this.#start = start;
  }

  now() {
    return epochMs(this.#start + this.#time);
  }

  monotonic() {
    return this.#time;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const cancel = this.after(ms, resolve);
      signal?.addEventListener('abort', () => {
        cancel();
        reject(signal.reason as Error);
      });
    });
  }

  after(ms: number, run: () => void): () => void {
    const timer = { due: this.#time + ms, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  every(ms: number, run: (lateMs: number) => void): () => void {
    let cancel = () => {};
    const arm = (due: number): void => {
      cancel = this.after(due - this.#time, () => {
        arm(due + ms);
        run(this.#time - due);
      });
    };
    arm(this.#time + ms);
    return () => cancel();
  }

  /** Timers not yet due. */
  get pending(): number {
    return this.#timers.length;
  }

  /** Time passes in which nothing can run: something has kept the process busy. */
  skip(ms: number): void {
    this.#time += ms;
  }

  /** Moves the time on; what falls due runs, with its promises settled before the next. */
  async advance(ms: number): Promise<void> {
    const end = this.#time + ms;
    for (;;) {
      await settle();
      const next = this.#timers.filter((timer) => timer.due <= end).toSorted((a, b) => a.due - b.due)[0];
      if (!next) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#time = Math.max(this.#time, next.due);
      next.run();
    }
    this.#time = Math.max(this.#time, end);
    await settle();
  }
}

/** Lets promise chains of some depth run dry. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

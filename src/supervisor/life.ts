import type { Running } from '../drivers/index.ts';
import type { IncarnationId, StartReason } from '../model/index.ts';

/** One start of a component with all that follows until its process has ended. */
export interface Life {
  readonly incarnation: IncarnationId;
  readonly reason: StartReason;
  /** Monotonic. */
  readonly startedAt: number;
  /** Aborted when this life is over: nothing that was begun for it goes on. */
  readonly over: AbortController;
  /** Settles when the driver has answered, well or not. */
  launched: Promise<void>;
  running: Running | null;
  /** Set once somebody asked for its end: the exit is then no crash. */
  ending: Promise<void> | null;
  ready: boolean;
}

/** Those who wait for a component to be verified healthy. */
export class Waiters {
  #waiting: { resolve: () => void; reject: (why: Error) => void }[] = [];

  wait(): Promise<void> {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Lets all of them go on; with the reason why it did not get ready, if there is one. */
  settle(why: Error | null): void {
    for (const { resolve, reject } of this.#waiting.splice(0)) {
      if (why) reject(why);
      else resolve();
    }
  }
}

import type { Clock } from '../clock.ts';

/**
 * What is wanted of one component at present, with the next step towards it. There is one at a time: what was begun for
 * an older wish stops where it is when a newer one comes.
 */
export class Wish {
  readonly #clock: Clock;
  #present: object = {};
  #cancel: () => void = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Somebody wants something else. @returns as `holds`. */
  renew(): () => boolean {
    this.#present = {};
    this.cancel();
    return this.holds();
  }

  /** @returns whether nobody wants something else than now. */
  holds(): () => boolean {
    const wish = this.#present;
    return () => this.#present === wish;
  }

  /** The step comes after a delay, at once when there is none; one that was to come is forgotten. */
  in(delayMs: number, step: () => void): void {
    this.cancel();
    if (delayMs <= 0) step();
    else this.#cancel = this.#clock.after(delayMs, step);
  }

  /** No step is to come. */
  cancel(): void {
    this.#cancel();
  }
}

import { sentenceOf } from './errors.ts';

/**
 * What was started, to be stopped in reverse. Each resource adds its undo the moment it exists, so that a boot
 * that fails half-way unwinds too. A step that hangs is left behind after `deadlineMs` and named.
 */
export class Shutdown {
  readonly #steps: { name: string; stop: () => Promise<void> | void }[] = [];
  readonly #deadlineMs: number;

  constructor(deadlineMs = 10_000) {
    this.#deadlineMs = deadlineMs;
  }

  add(name: string, stop: () => Promise<void> | void): void {
    this.#steps.push({ name, stop });
  }

  /** Runs every step once, last first; never rejects. @returns what would not stop. */
  async run(): Promise<{ name: string; why: string }[]> {
    const failures: { name: string; why: string }[] = [];
    for (const { name, stop } of this.#steps.splice(0).toReversed()) {
      let timer: NodeJS.Timeout | undefined;
      const deadline = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`still not stopped after ${this.#deadlineMs} ms`)), this.#deadlineMs);
      });
      try {
        await Promise.race([stop(), deadline]);
      } catch (error) {
        failures.push({ name, why: sentenceOf(error) });
      } finally {
        clearTimeout(timer);
      }
    }
    return failures;
  }
}

import type { EventOf } from '../model/index.ts';
import type { Tellable } from './occasion.ts';

/** What comes again and again in a loop. */
export type Repeatable = EventOf<'component.crashed'> | EventOf<'incident.opened'>;

export const isRepeatable = (event: Tellable): event is Repeatable =>
  event.type === 'component.crashed' || event.type === 'incident.opened';

/** Events alike, shortly after one that was told of. */
export interface Fold {
  readonly head: Repeatable;
  readonly seq: number;
  /** How many came after the head. */
  readonly more: number;
  readonly lastAt: number;
}

/**
 * Folds loops: the first crash (or incident) of a kind is told at once, those like it within `windowMs` are counted
 * and told together when the window is over. A pure reading of the events in their order, so that a daemon that
 * comes back and reads them again finds the same folds.
 */
export class Folds {
  readonly #windowMs: number;
  /** By component and signature; in the order of their heads. */
  readonly #open = new Map<string, Fold>();

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** @returns whether it is one of a kind that was just told of. */
  takes(event: Repeatable, seq: number): boolean {
    const key = `${event.type} ${event.component} ${event.signature}`;
    const fold = this.#open.get(key);
    if (!fold || event.at - fold.head.at >= this.#windowMs) {
      this.#open.delete(key);
      this.#open.set(key, { head: event, seq, more: 0, lastAt: event.at });
      return false;
    }
    this.#open.set(key, { ...fold, more: fold.more + 1, lastAt: event.at });
    return true;
  }

  /** The oldest fold, taken out, if its window is over at `at`. */
  takeClosed(at: number): Fold | undefined {
    const [entry] = this.#open;
    if (!entry || at - entry[1].head.at < this.#windowMs) return undefined;
    this.#open.delete(entry[0]);
    return entry[1];
  }

  /** When the oldest window is over; null: none is open. */
  get closesAt(): number | null {
    const [fold] = this.#open.values();
    return fold ? fold.head.at + this.#windowMs : null;
  }

  /** Number of the oldest head; null: no fold is open. */
  get oldest(): number | null {
    const [fold] = this.#open.values();
    return fold?.seq ?? null;
  }
}

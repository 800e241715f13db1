import type { Clock } from '../clock.ts';
import type { DropReason } from '../model/index.ts';

/** What is lost in one burst is told together; what goes on being lost is told so often and no oftener. */
const FIRST_MS = 1_000;
const EVERY_MS = 60_000;

interface Tally {
  items: number;
  toldAt: number;
  cancel: (() => void) | null;
}

/** Counts what never reached its sink, and tells of it without flooding anybody. */
export class Drops {
  readonly #clock: Clock;
  readonly #tell: (reason: DropReason, items: number) => void;
  readonly #tallies = new Map<DropReason, Tally>();

  constructor(clock: Clock, tell: (reason: DropReason, items: number) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  add(reason: DropReason, items: number): void {
    if (items <= 0) return;
    const tally = this.#tallies.get(reason) ?? { items: 0, toldAt: -Infinity, cancel: null };
    this.#tallies.set(reason, tally);
    tally.items += items;
    if (tally.cancel) return;
    const wait = Math.max(FIRST_MS, tally.toldAt + EVERY_MS - this.#clock.monotonic());
    tally.cancel = this.#clock.after(wait, () => this.#say(reason, tally));
  }

  /** Tells what has not been told; nothing comes after it unless more is lost. */
  flush(): void {
    for (const [reason, tally] of this.#tallies) this.#say(reason, tally);
  }

  #say(reason: DropReason, tally: Tally): void {
    const { items } = tally;
    tally.cancel?.();
    tally.cancel = null;
    if (items === 0) return;
    tally.items = 0;
    tally.toldAt = this.#clock.monotonic();
    this.#tell(reason, items);
  }
}

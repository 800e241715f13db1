import type { Clock } from '../clock.ts';
import { sentenceOf } from '../errors.ts';
import type { Letter } from './letter.ts';
import type { Outbox } from './outbox.ts';

/**
 * What became of one delivery. `away`: worth another try. `lost`: this one will never be taken.
 */
export type Receipt =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'away'; readonly why: string; readonly retryAfterMs: number | null }
  | { readonly kind: 'lost'; readonly why: string };

/** Who delivers; asked one letter at a time. `deliver` never rejects and is bounded in time. */
export interface Target {
  /** Without secrets, for the log. */
  readonly shown: string;
  deliver(letter: Letter): Promise<Receipt>;
  close(): void;
}

export interface CourierDeps {
  readonly clock: Clock;
  readonly outbox: Outbox;
  readonly target: Target;
  readonly maxAgeMs: number;
  readonly onAccepted: () => void;
  readonly onDropped: (why: 'too old' | 'refused') => void;
  /** Hears of a target that does not take what it is sent, once until it does again, and of each letter it refuses. */
  readonly onTrouble: (why: string) => void;
}

const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;
/** A restart and its crash report come first. */
const PAUSE_MS = 250;

/**
 * Delivers the letters of one outbox, one after the other: the next is sent when the one before was taken or given
 * up. A target that is away is asked again after 1 s, ever more seldom, at last every 60 s.
 */
export class Courier {
  readonly #deps: CourierDeps;
  #cancelTimer: (() => void) | null = null;
  #wakeAt = Infinity;
  #busy: Promise<void> | null = null;
  #retryMs = 0;
  #troubled = false;
  #closed = false;
  #abandoned = false;

  constructor(deps: CourierDeps) {
    this.#deps = deps;
    this.wake();
  }

  /** Something may have come. Returns at once. */
  wake(): void {
    if (this.#busy === null && this.#retryMs === 0) this.#after(PAUSE_MS);
  }

  /** Waits for a delivery under way, for at most `deadlineMs`; what is left waits for the next daemon. */
  async close(deadlineMs: number): Promise<void> {
    this.#closed = true;
    this.#cancelTimer?.();
    const late = Promise.withResolvers<void>();
    const cancel = this.#deps.clock.after(deadlineMs, late.resolve);
    await Promise.race([this.#busy, late.promise]);
    cancel();
    this.#abandoned = true;
    this.#deps.target.close();
  }

  #after(ms: number): void {
    const at = this.#deps.clock.monotonic() + ms;
    if (this.#closed || (this.#cancelTimer && this.#wakeAt <= at)) return;
    this.#cancelTimer?.();
    this.#wakeAt = at;
    this.#cancelTimer = this.#deps.clock.after(ms, () => {
      this.#cancelTimer = null;
      this.#busy ??= this.#deliverAll()
        .catch((error: unknown) => this.#away(sentenceOf(error), null))
        .finally(() => {
          this.#busy = null;
          this.#rest();
        });
    });
  }

  /** Until it is worth trying again, a fold is over, or somebody wakes us. */
  #rest(): void {
    const { clock, outbox } = this.#deps;
    if (this.#closed) return;
    if (this.#retryMs > 0) return this.#after(this.#retryMs);
    try {
      if (outbox.next(clock.now())) return this.#after(PAUSE_MS);
    } catch (error) {
      this.#away(sentenceOf(error), null);
      return this.#after(this.#retryMs);
    }
    const due = outbox.dueAt;
    if (due !== null) this.#after(Math.max(PAUSE_MS, due - clock.now()));
  }

  async #deliverAll(): Promise<void> {
    const { clock, outbox, target, maxAgeMs } = this.#deps;
    for (;;) {
      const now = clock.now();
      const letter = this.#closed ? null : outbox.next(now);
      if (!letter) return;
      if (now - (letter.fold?.lastAt ?? letter.event.at) > maxAgeMs) {
        outbox.settle();
        this.#deps.onDropped('too old');
        continue;
      }
      const receipt = await target.deliver(letter);
      // Nobody could remember it any more.
      if (this.#abandoned) return;
      if (receipt.kind === 'away') {
        return this.#away(receipt.why, receipt.retryAfterMs);
      }
      outbox.settle();
      this.#retryMs = 0;
      if (receipt.kind === 'accepted') {
        this.#troubled = false;
        this.#deps.onAccepted();
      } else {
        this.#deps.onTrouble(`it refuses one notification: ${receipt.why}`);
        this.#deps.onDropped('refused');
      }
    }
  }

  #away(why: string, retryAfterMs: number | null): void {
    const next = Math.min(LONGEST_RETRY_MS, this.#retryMs * 2 || FIRST_RETRY_MS);
    this.#retryMs = Math.max(next, Math.min(LONGEST_RETRY_MS, retryAfterMs ?? 0));
    if (!this.#troubled) this.#deps.onTrouble(`it does not take notifications, they wait: ${why}`);
    this.#troubled = true;
  }
}

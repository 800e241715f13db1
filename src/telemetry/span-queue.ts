import type { Clock } from '../clock.ts';
import type { DropReason } from '../model/index.ts';
import type { Span } from './spans/span.ts';

/**
 * What became of one export. `away`: nobody was there, or not ready for it: it is worth another try.
 * A reason: it never will be accepted.
 */
export type Delivery =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'away'; readonly why: string }
  | { readonly kind: 'lost'; readonly reason: Extract<DropReason, 'export_failed' | 'serialize_error'>; why: string };

/** Where spans go. `send` is called one at a time and never rejects. */
export interface SpanSink {
  send(spans: readonly Span[]): Promise<Delivery>;
}

export interface SpanQueueDeps {
  readonly clock: Clock;
  readonly sink: SpanSink;
  readonly onDropped: (reason: DropReason, items: number) => void;
  /** Called after each export that was accepted. */
  readonly onAccepted: (items: number) => void;
  /** Called when the collector stops answering or refuses, once until it accepts again. */
  readonly onTrouble: (why: string) => void;
}

interface Entry {
  readonly span: Span;
  /** Number of the event that it was drawn from; null: that one is not stored. */
  readonly seq: number | null;
}

export const QUEUE_CAPACITY = 8_192;
const BATCH = 512;
const FLUSH_MS = 1_000;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;

/**
 * Holds spans until a collector has them: at most 8,192, the oldest go first. One export at a time, each second or
 * when 512 wait; while the collector is away they stay and it is asked ever more seldom, every 30 s at last.
 */
export class SpanQueue {
  readonly #deps: SpanQueueDeps;
  #waiting: Entry[] = [];
  #inFlight: readonly Entry[] = [];
  #sending: Promise<void> | null = null;
  #cancelTimer: (() => void) | null = null;
  #retryMs = 0;
  #troubled = false;
  #closed = false;
  /** The highest event number of what has left, accepted or not. */
  #left = 0;

  constructor(deps: SpanQueueDeps) {
    this.#deps = deps;
  }

  get length(): number {
    return this.#waiting.length + this.#inFlight.length;
  }

  /** All that was drawn from events up to this number has left. */
  get settledThrough(): number {
    const oldest = [...this.#inFlight, ...this.#waiting].reduce(
      (least, { seq }) => Math.min(least, seq ?? least),
      Infinity,
    );
    return Math.min(this.#left, oldest - 1);
  }

  push(spans: readonly Span[], seq: number | null): void {
    if (this.#closed) return this.#deps.onDropped('shutdown', spans.length);
    for (const span of spans) this.#waiting.push({ span, seq });
    this.#shed();
    if (this.#sending || this.#retryMs > 0 || this.length === 0) return;
    if (this.#waiting.length >= BATCH) this.#flush();
    else this.#cancelTimer ??= this.#deps.clock.after(FLUSH_MS, () => this.#flush());
  }

  /** Exports what waits, for at most `deadlineMs`; the rest is given up. Never rejects. */
  async close(deadlineMs: number): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelTimer?.();
    const late = Promise.withResolvers<void>();
    const cancel = this.#deps.clock.after(deadlineMs, late.resolve);
    await Promise.race([this.#drain(), late.promise]);
    cancel();
    this.#deps.onDropped('shutdown', this.length);
    this.#waiting = [];
    this.#inFlight = [];
  }

  async #drain(): Promise<void> {
    await this.#sending;
    while (this.#waiting.length > 0 && this.#retryMs === 0) await this.#export();
  }

  #flush(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#sending ??= this.#export().finally(() => {
      this.#sending = null;
      if (this.#closed || this.#waiting.length === 0) return;
      const soon = this.#waiting.length >= BATCH ? 0 : FLUSH_MS;
      this.#cancelTimer = this.#deps.clock.after(this.#retryMs || soon, () => this.#flush());
    });
  }

  async #export(): Promise<void> {
    const batch = this.#waiting.splice(0, BATCH);
    this.#inFlight = batch;
    const delivery = await this.#deps.sink.send(batch.map(({ span }) => span));
    // Given up meanwhile: the deadline was over.
    if (this.#inFlight !== batch) return;
    this.#inFlight = [];
    if (delivery.kind !== 'accepted') this.#trouble(delivery.why);
    switch (delivery.kind) {
      case 'away':
        this.#waiting.unshift(...batch);
        this.#shed();
        this.#retryMs = Math.min(LONGEST_RETRY_MS, this.#retryMs * 2 || FIRST_RETRY_MS);
        return;
      case 'lost':
        this.#leave(batch);
        this.#retryMs = 0;
        return this.#deps.onDropped(delivery.reason, batch.length);
      case 'accepted':
        this.#leave(batch);
        this.#retryMs = 0;
        this.#troubled = false;
        return this.#deps.onAccepted(batch.length);
      default:
        return delivery satisfies never;
    }
  }

  /** Gives up the oldest of what is too much. */
  #shed(): void {
    const excess = this.length - QUEUE_CAPACITY;
    if (excess <= 0) return;
    this.#leave(this.#waiting.splice(0, excess));
    this.#deps.onDropped('queue_full', excess);
  }

  #leave(entries: readonly Entry[]): void {
    for (const { seq } of entries) this.#left = Math.max(this.#left, seq ?? 0);
  }

  #trouble(why: string): void {
    if (!this.#troubled) this.#deps.onTrouble(why);
    this.#troubled = true;
  }
}

import type { EpochMs, EventType, RecoveryEvent } from '../model/index.ts';
import { Folds, isRepeatable } from './folds.ts';
import { letterOf, summaryOf, type Letter } from './letter.ts';
import { isTellable, tellable, type Tellable } from './occasion.ts';

/** The part of an event store that notifications are read from. */
export interface Shelf {
  /** Events of some types after a number, oldest first, at most `limit`. */
  afterOf(
    types: readonly EventType[],
    seq: number,
    limit: number,
  ): readonly { readonly seq: number; readonly event: RecoveryEvent }[];
  lastSeq(): number;
  cursor(name: string): number | undefined;
  moveCursor(name: string, seq: number): void;
  /** On disk before it returns. */
  keepCursors(cursors: Readonly<Record<string, number>>): void;
}

export interface OutboxDeps {
  readonly shelf: Shelf;
  /** What its reading positions are called. */
  readonly name: string;
  /** Where one begins that has never read. */
  readonly from: number;
  readonly foldMs: number;
  readonly wanted: (event: Tellable) => boolean;
}

const PAGE = 100;

/**
 * What one target has still to be told, in order: a position in the stored events, so that it needs no room of its
 * own and survives the daemon. A second position says through which crash all folds are told.
 */
export class Outbox {
  readonly #deps: OutboxDeps;
  readonly #folds: Folds;
  /** Everything up to here is told, or is counted in a fold. */
  #told: number;
  /** Everything up to here is read. */
  #read: number;
  #page: { readonly seq: number; readonly event: Tellable }[] = [];
  #current: Letter | null = null;

  constructor(deps: OutboxDeps) {
    this.#deps = deps;
    this.#folds = new Folds(deps.foldMs);
    const { shelf, name, from } = deps;
    this.#told = shelf.cursor(name) ?? from;
    this.#read = Math.min(this.#told, shelf.cursor(`${name}/folds`) ?? this.#told);
    this.#remember();
  }

  /** The next letter, the same until it is settled; null: there is none now. */
  next(now: EpochMs): Letter | null {
    while (!this.#current) {
      if (this.#page.length === 0) this.#turnPage();
      const [entry] = this.#page;
      // A window is over when everything within it has been read.
      const fold = this.#folds.takeClosed(entry ? entry.event.at : now);
      if (fold) {
        if (fold.more > 0) this.#current = summaryOf(fold);
        continue;
      }
      if (!entry) break;
      this.#page.shift();
      this.#read = entry.seq;
      if (this.#isNew(entry.event, entry.seq)) this.#current = letterOf(entry.seq, entry.event);
    }
    if (!this.#current) this.#remember();
    return this.#current;
  }

  /** Where nothing follows, everything is read: the next look begins there. */
  #turnPage(): void {
    const { shelf } = this.#deps;
    const through = shelf.lastSeq();
    this.#page = shelf
      .afterOf(tellable, this.#read, PAGE)
      .flatMap(({ seq, event }) => (isTellable(event) ? [{ seq, event }] : []));
    if (this.#page.length === 0) this.#read = Math.max(this.#read, through);
  }

  /** The letter is told, or given up: it will not be sent again, by no later daemon either. */
  settle(): void {
    const letter = this.#current;
    if (!letter) return;
    this.#current = null;
    if (!letter.fold) this.#told = letter.seq;
    this.#deps.shelf.keepCursors(this.#positions());
  }

  /** When a fold is over though nothing happens; null: none is open. */
  get dueAt(): number | null {
    return this.#folds.closesAt;
  }

  #isNew(event: Tellable, seq: number): boolean {
    if (!this.#deps.wanted(event)) return false;
    const folded = isRepeatable(event) && this.#folds.takes(event, seq);
    return !folded && seq > this.#told;
  }

  #positions(): Record<string, number> {
    const { name } = this.#deps;
    const oldest = this.#folds.oldest;
    return { [name]: this.#told, [`${name}/folds`]: oldest === null ? this.#told : Math.min(this.#told, oldest - 1) };
  }

  /** Nothing waits: what was read is told, so that no later daemon need read it. Costs no commit. */
  #remember(): void {
    this.#told = Math.max(this.#told, this.#read);
    for (const [name, seq] of Object.entries(this.#positions())) this.#deps.shelf.moveCursor(name, seq);
  }
}

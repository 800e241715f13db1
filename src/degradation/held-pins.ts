import type { Clock } from '../clock.ts';
import type { LevelPin, RecoveryEvent } from '../model/index.ts';
import { isOver, type Pins } from './restore.ts';

type Holder = keyof Pins;
const holders: readonly Holder[] = ['person', 'alert'];

/** Old events go after a week: a pin must not go with them. */
const RESTATE_MS = 86_400_000;

/** The pins that are there, and the time that they have. What becomes of them is returned to be stated. */
export class HeldPins {
  readonly #clock: Clock;
  readonly #statedAt = new Map<Holder, number>();
  #pins: Pins;
  #cancel = () => {};

  constructor(clock: Clock, pins: Pins) {
    this.#clock = clock;
    this.#pins = pins;
  }

  get all(): Pins {
    return this.#pins;
  }

  get list(): LevelPin[] {
    return holders.flatMap((holder) => this.#pins[holder] ?? []);
  }

  set(holder: Holder, pin: LevelPin): RecoveryEvent {
    this.#pins = { ...this.#pins, [holder]: pin };
    return this.#stated(holder, pin);
  }

  lift(holder: Holder, why: 'lifted' | 'expired'): RecoveryEvent[] {
    const pin = this.#pins[holder];
    if (!pin) return [];
    this.#pins = { ...this.#pins, [holder]: null };
    const { level, trigger } = pin;
    return [{ type: 'degradation.unpinned', at: this.#clock.now(), level, trigger, why }];
  }

  /** Those whose time is over go. */
  expire(): RecoveryEvent[] {
    const now = this.#clock.now();
    return holders.flatMap((holder) => {
      const pin = this.#pins[holder];
      return pin && isOver(pin, now) ? this.lift(holder, 'expired') : [];
    });
  }

  /** What was stated so long ago, or by an earlier daemon, that it must be stated again. */
  restate(): RecoveryEvent[] {
    const before = this.#clock.monotonic() - RESTATE_MS;
    return holders.flatMap((holder) => {
      const pin = this.#pins[holder];
      return pin && (this.#statedAt.get(holder) ?? -Infinity) <= before ? [this.#stated(holder, pin)] : [];
    });
  }

  /** Calls `over` when the next of them ends, and again: a timer may be shorter than the time that one has. */
  watch(over: () => void): void {
    this.#cancel();
    const ends = this.list.flatMap(({ until }) => (until === null ? [] : [until]));
    if (ends.length === 0) return;
    this.#cancel = this.#clock.after(Math.max(0, Math.min(...ends) - this.#clock.now()), () => {
      over();
      this.watch(over);
    });
  }

  close(): void {
    this.#cancel();
  }

  #stated(holder: Holder, pin: LevelPin): RecoveryEvent {
    this.#statedAt.set(holder, this.#clock.monotonic());
    return { type: 'degradation.pinned', at: this.#clock.now(), ...pin };
  }
}

import type { Clock } from '../clock.ts';
import { isWorse, type DegradationLevel, type EpochMs, type LevelPin, type RecoveryEvent } from '../model/index.ts';

export type Holder = 'person' | 'alert';

const holderOf = ({ trigger }: Pick<LevelPin, 'trigger'>): Holder => (trigger === 'manual' ? 'person' : 'alert');
const isOver = ({ until }: LevelPin, now: EpochMs): boolean => until !== null && until <= now;
const outlasts = (one: LevelPin, other: LevelPin): boolean =>
  one.until === null || (other.until !== null && one.until >= other.until);

/**
 * The pins that are there, and the time that they have: one of a person, and of alerts one for each level, so that none
 * shortens what another has asked for. What becomes of them is returned to be stated.
 */
export class HeldPins {
  readonly #clock: Clock;
  readonly #pins = new Map<'person' | DegradationLevel, LevelPin>();
  #cancel = () => {};

  /** @param pins as an earlier daemon has left them; some of them may be over. */
  constructor(clock: Clock, pins: readonly LevelPin[]) {
    this.#clock = clock;
    for (const pin of pins) this.#pins.set(slotOf(pin), pin);
  }

  get person(): LevelPin | null {
    return this.#pins.get('person') ?? null;
  }

  get alerts(): LevelPin[] {
    return this.list.filter((pin) => holderOf(pin) === 'alert');
  }

  get list(): LevelPin[] {
    return [...this.#pins.values()];
  }

  /** What of alerts asks for as much already, for as long. */
  covering(pin: LevelPin): LevelPin | undefined {
    return this.alerts.find((held) => !isWorse(pin.level, held.level) && outlasts(held, pin));
  }

  hold(pin: LevelPin): RecoveryEvent {
    this.#pins.set(slotOf(pin), pin);
    return { type: 'degradation.pinned', at: this.#clock.now(), ...pin };
  }

  lift(holders: readonly Holder[]): RecoveryEvent[] {
    return this.#drop((pin) => holders.includes(holderOf(pin)), 'lifted');
  }

  /** Those whose time is over go. */
  expire(): RecoveryEvent[] {
    const now = this.#clock.now();
    return this.#drop((pin) => isOver(pin, now), 'expired');
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

  #drop(which: (pin: LevelPin) => boolean, why: 'lifted' | 'expired'): RecoveryEvent[] {
    return this.list.filter(which).map((pin) => {
      this.#pins.delete(slotOf(pin));
      const { level, trigger } = pin;
      return { type: 'degradation.unpinned', at: this.#clock.now(), level, trigger, why };
    });
  }
}

const slotOf = (pin: LevelPin): 'person' | DegradationLevel => (holderOf(pin) === 'person' ? 'person' : pin.level);

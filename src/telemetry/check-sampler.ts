import { isFailure, type CheckOutcome, type ComponentName, type EventOf } from '../model/index.ts';
import { checkPlace } from './trace-ids.ts';

export const checkSampling = ['auto', 'all', 'none'] as const;
/** Which healthy runs of checks become spans; failures and changes always do. */
export type CheckSampling = (typeof checkSampling)[number];

const ALL_UP_TO = 50;
const ONE_OF = 100;
const SECOND_MS = 1_000;

/** Decides which runs of checks become spans: with `auto` all, up to 50 a second, and one in a hundred of the rest. */
export class CheckSampler {
  readonly #sampling: CheckSampling;
  readonly #monotonic: () => number;
  readonly #last = new Map<ComponentName, Map<string, CheckOutcome>>();
  #second = 0;
  #kept = 0;

  constructor(sampling: CheckSampling, monotonic: () => number) {
    this.#sampling = sampling;
    this.#monotonic = monotonic;
  }

  /** To be asked once for each run, in their order. */
  keeps(run: EventOf<'check.completed'>): boolean {
    const second = Math.floor(this.#monotonic() / SECOND_MS);
    if (second !== this.#second) this.#kept = 0;
    this.#second = second;
    const keeps = this.#changes(run) || isFailure(run.outcome) || this.#sampling === 'all' || this.#hasRoom(run);
    if (keeps) this.#kept++;
    return keeps;
  }

  forget(component: ComponentName): void {
    this.#last.delete(component);
  }

  #hasRoom(run: EventOf<'check.completed'>): boolean {
    if (this.#sampling === 'none') return false;
    return this.#kept < ALL_UP_TO || Number.parseInt(checkPlace(run).traceId.slice(0, 8), 16) % ONE_OF === 0;
  }

  #changes({ component, check, outcome }: EventOf<'check.completed'>): boolean {
    const checks = this.#last.get(component) ?? new Map<string, CheckOutcome>();
    const before = checks.get(check);
    this.#last.set(component, checks.set(check, outcome));
    return before !== undefined && before !== outcome;
  }
}

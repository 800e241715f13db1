import type { Clock } from '../clock.ts';
import { oneLine } from '../format.ts';
import {
  epochMs,
  type CallResult,
  type ComponentName,
  type Emit,
  type EpochMs,
  type EventOf,
  type Trigger,
} from '../model/index.ts';
import type { BreakerStatus, Outcome, Permission } from './breakers.ts';
import { begin, dueAt, type Condition } from './condition.ts';
import { admit, conclude, elapse, obey, type Transition, type Wish } from './decide.ts';
import { createEngine, type Engine } from './opossum.ts';
import { restore } from './restore.ts';
import type { BreakerPolicy } from './schema.ts';

export interface BreakerDeps {
  readonly clock: Clock;
  readonly emit: Emit;
  /** Where epochs begin to count: a whole number that no other daemon has begun with. */
  readonly firstEpoch: () => number;
  /** Hides secrets in what a component says of an error. */
  readonly mask: (text: string) => string;
}

const LONGEST_REASON = 300;

/** One breaker: its condition, its timer and its statistics. What it decides is stated before anyone is answered. */
export class Breaker {
  readonly name: string;
  readonly #deps: BreakerDeps;
  #policy: BreakerPolicy;
  #condition: Condition;
  /** What was said of its last transition, by the wall clock of that time. */
  #told: Pick<EventOf<'breaker.transitioned'>, 'at' | 'until' | 'reason'>;
  #engine: Engine;
  #cancel: (() => void) | undefined;
  #closed = false;

  /** @param last its last transition, if it is known from before. */
  constructor(
    name: string,
    policy: BreakerPolicy,
    last: EventOf<'breaker.transitioned'> | undefined,
    deps: BreakerDeps,
  ) {
    const { clock, firstEpoch } = deps;
    this.name = name;
    this.#deps = deps;
    this.#policy = policy;
    const moment = { monotonic: clock.monotonic(), wall: clock.now() };
    this.#condition = last ? restore(last, firstEpoch(), moment) : begin(moment.monotonic, firstEpoch());
    this.#told = last ?? { at: moment.wall, until: null, reason: '' };
    this.#engine = createEngine(name, policy.failure_window, clock);
    this.#schedule();
  }

  set policy(policy: BreakerPolicy) {
    const { failure_window } = this.#policy;
    this.#policy = policy;
    if (policy.failure_window !== failure_window) this.#forgetStatistics();
  }

  get status(): BreakerStatus {
    const condition = this.#condition;
    const { calls, failures } = this.#engine.statistics();
    return {
      name: this.name,
      state: condition.is,
      since: this.#told.at,
      until: this.#told.until,
      reason: this.#told.reason,
      consecutiveFailures: condition.is === 'closed' ? condition.consecutiveFailures : 0,
      probesInFlight: condition.is === 'half_open' ? condition.probes.length : 0,
      calls,
      failureRatio: calls === 0 ? null : failures / calls,
      policy: this.#policy,
    };
  }

  permit(caller: ComponentName): Permission {
    this.#catchUp();
    const { condition, admission } = admit(this.#condition, this.#policy, this.#deps.clock.monotonic());
    this.#enter(condition);
    if (!admission.permitted) this.#deps.emit(this.#called(caller, 'rejected', 0));
    return { ...admission, state: condition.is };
  }

  /** Takes the outcome of a call that was made elsewhere. */
  report(outcome: Outcome, caller: ComponentName): void {
    this.#engine.count(outcome.ok);
    this.#conclude(outcome, caller);
  }

  /** Makes a call that was permitted. */
  async run<T>(call: () => T | Promise<T>, permit: string, caller: ComponentName): Promise<T> {
    const { clock } = this.#deps;
    const began = clock.monotonic();
    const told = { dependency: this.name, permit };
    try {
      const value = await this.#engine.run(call);
      this.#conclude({ ...told, ok: true, durationMs: clock.monotonic() - began }, caller);
      return value;
    } catch (error) {
      this.#conclude({ ...told, ok: false, durationMs: clock.monotonic() - began, error: nameOf(error) }, caller);
      throw error;
    }
  }

  /** @returns whether anything changed its state. */
  obey(wish: Wish, trigger: Trigger): boolean {
    this.#catchUp();
    const { condition, transition } = obey(this.#condition, wish, trigger, this.#deps.clock.monotonic());
    this.#enter(condition);
    if (wish === 'reset') this.#forgetStatistics();
    if (transition) this.#deps.emit(this.#transitioned(transition, null));
    return transition !== null;
  }

  /** What it was running may go on; how that ends is nobody's business any more. */
  close(): void {
    this.#closed = true;
    this.#cancel?.();
    this.#engine.close();
  }

  #conclude({ ok, durationMs, error = '', permit }: Outcome, caller: ComponentName): void {
    if (this.#closed) return;
    this.#catchUp();
    const now = this.#deps.clock.monotonic();
    const result = { ok, permit: permit ?? null, beganAt: now - durationMs, error };
    const { condition, transition, counted } = conclude(this.#condition, result, this.#policy, now);
    this.#enter(condition);
    const kind = !counted ? 'ignored' : ok ? 'success' : error === 'timeout' ? 'timeout' : 'failure';
    const called = this.#called(caller, kind, durationMs);
    if (transition) this.#deps.emit(called, this.#transitioned(transition, caller));
    else this.#deps.emit(called);
  }

  /** Does what has fallen due, whether or not the timer has come to it yet. */
  #catchUp(): void {
    const { condition, transition } = elapse(this.#condition, this.#policy, this.#deps.clock.monotonic());
    if (!transition) return;
    this.#enter(condition);
    this.#deps.emit(this.#transitioned(transition, null));
  }

  #enter(condition: Condition): void {
    this.#condition = condition;
    this.#schedule();
  }

  #schedule(): void {
    this.#cancel?.();
    const due = dueAt(this.#condition);
    const wake = () => {
      this.#catchUp();
      // Timers may come a little early, and none is longer than 24 days.
      this.#schedule();
    };
    this.#cancel =
      due === null ? undefined : this.#deps.clock.after(Math.max(0, due - this.#deps.clock.monotonic()), wake);
  }

  #forgetStatistics(): void {
    this.#engine.close();
    this.#engine = createEngine(this.name, this.#policy.failure_window, this.#deps.clock);
  }

  #transitioned(transition: Transition, caller: ComponentName | null): EventOf<'breaker.transitioned'> {
    const { firstFailureAt, until } = transition;
    const event: EventOf<'breaker.transitioned'> = {
      ...transition,
      type: 'breaker.transitioned',
      at: this.#deps.clock.now(),
      breaker: this.name,
      reason: this.#shown(transition.reason),
      caller,
      firstFailureAt: firstFailureAt === null ? null : this.#wall(firstFailureAt),
      until: until === null ? null : this.#wall(until),
    };
    this.#told = event;
    return event;
  }

  #called(caller: ComponentName, result: CallResult, durationMs: number): EventOf<'breaker.called'> {
    return { type: 'breaker.called', at: this.#deps.clock.now(), breaker: this.name, caller, result, durationMs };
  }

  #wall(monotonic: number): EpochMs {
    const { clock } = this.#deps;
    return epochMs(Math.round(clock.now() + monotonic - clock.monotonic()));
  }

  /** One line without secrets: a component's own words may be part of it. */
  #shown(reason: string): string {
    return oneLine(this.#deps.mask(reason), LONGEST_REASON);
  }
}

/** What `AbortSignal.timeout` throws is a timeout; of anything else its message tells most. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.name === 'TimeoutError' ? 'timeout' : error.message;
}

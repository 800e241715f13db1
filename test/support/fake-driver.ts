import type { Clock } from '../../src/clock.ts';
import type { Driver, Running, StartPlan } from '../../src/drivers/index.ts';
import { failure } from '../../src/errors.ts';
import type { ComponentName, Exit, ProcessIdentity } from '../../src/model/index.ts';

/** What becomes of the next process of a component. */
export interface Fate {
  /** The system refuses to make the process. */
  readonly refused?: boolean;
  /** It ends by itself after so long, ms. */
  readonly endsAfter?: number;
  /** Its exit code when it ends by itself. */
  readonly code?: number;
  /** Time it takes to leave when asked, ms; null: it does not listen. */
  readonly leavesAfter?: number | null;
  /** Not even the kill ends it: only the test does. */
  readonly unkillable?: boolean;
}

/** A process that lives in a fake clock only. */
class FakeProcess implements Running {
  readonly process: ProcessIdentity;
  readonly adopted = false;
  readonly exited: Promise<Exit>;
  readonly #settle: (exit: Exit) => void;
  readonly #clock: Clock;
  readonly #fate: Fate;
  #exit: Exit | null = null;
  #forced = false;
  #stopping: ReturnType<Running['stop']> | null = null;

  constructor(pid: number, fate: Fate, clock: Clock) {
    this.process = { pid, startTime: pid, bootId: 'fake' };
    const { promise, resolve } = Promise.withResolvers<Exit>();
    this.exited = promise;
    this.#settle = resolve;
    this.#clock = clock;
    this.#fate = fate;
    if (fate.endsAfter !== undefined)
      clock.after(fate.endsAfter, () => this.end({ code: fate.code ?? 1, signal: null }));
  }

  get alive(): boolean {
    return this.#exit === null;
  }

  end(exit: Exit): void {
    if (this.#exit) return;
    this.#exit = exit;
    this.#settle(exit);
  }

  stop({ signal, timeout }: Parameters<Running['stop']>[0]): ReturnType<Running['stop']> {
    const { leavesAfter = 0 } = this.#fate;
    if (!this.#stopping && leavesAfter !== null && leavesAfter < timeout)
      this.#clock.after(leavesAfter, () => this.end({ code: null, signal }));
    if (!this.#stopping)
      this.#clock.after(timeout, () => {
        if (this.alive) void this.kill();
      });
    return (this.#stopping ??= this.exited.then((exit) => ({ exit, forced: this.#forced })));
  }

  kill(): Promise<Exit> {
    this.#forced = true;
    if (!this.#fate.unkillable) this.end({ code: null, signal: 'SIGKILL' });
    return this.exited;
  }

  usage() {
    return this.alive ? { cpuRatio: 0, residentBytes: 1, openFds: 1, processes: 1 } : null;
  }

  outputTail = () => '';
}

/** Runs nothing, and remembers whether two processes of a component ever lived at the same time. */
export class FakeDriver implements Driver {
  readonly kind = 'any';
  readonly #clock: Clock;
  readonly #processes = new Map<ComponentName, FakeProcess[]>();
  #pid = 1_000;
  /** Asked at each start. */
  fate: (component: ComponentName) => Fate = () => ({});
  /** The most processes of one component that were alive together. */
  mostTogether = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  start(plan: Pick<StartPlan, 'component' | 'command'>): Promise<Running> {
    const fate = this.fate(plan.component);
    if (fate.refused)
      return Promise.reject(failure('SPAWN_FAILED', { command: plan.command[0] ?? '', why: 'fate refuses it' }));
    const process = new FakeProcess(++this.#pid, fate, this.#clock);
    this.#processes.set(plan.component, [...this.alive(plan.component), process]);
    this.mostTogether = Math.max(this.mostTogether, this.alive(plan.component).length);
    return Promise.resolve(process);
  }

  adopt = () => null;
  /** What runs that nobody here has started. */
  find: NonNullable<Driver['find']> = () => Promise.resolve(null);
  forget = () => Promise.resolve();
  close = () => Promise.resolve();

  /** A long life: those that have ended are let go of. */
  forgetDead(): void {
    for (const component of this.#processes.keys()) this.#processes.set(component, this.alive(component));
  }

  /** Living processes of one component. */
  alive(component: ComponentName): FakeProcess[] {
    return (this.#processes.get(component) ?? []).filter(({ alive }) => alive);
  }
}

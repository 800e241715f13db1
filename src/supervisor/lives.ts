import type { Clock } from '../clock.ts';
import type { ComponentConfig } from '../config/index.ts';
import type { Hung } from '../crashes/index.ts';
import {
  engineOf,
  type AfterStop,
  type Driver,
  type EngineSettings,
  type Running,
  type StartPlan,
  type StopPolicy,
} from '../drivers/index.ts';
import { sentenceOf } from '../errors.ts';
import type { HealthMonitor } from '../health/index.ts';
import type { ComponentName, Emit, EventOf, Exit, IncarnationId, RecoveryEvent, StartReason } from '../model/index.ts';
import type { AskToLeave } from './leave.ts';
import { beginLife, OVER, type KilledFor, type Life } from './life.ts';
import { whyUnkillable } from './state.ts';

/** What a life needs of the house. */
export interface LivesDeps {
  readonly clock: Clock;
  readonly emit: Emit;
  readonly driver: Driver;
  readonly monitor: HealthMonitor;
  readonly nextLife: () => IncarnationId;
  readonly plan: (incarnation: IncarnationId) => StartPlan;
  readonly askToLeave: AskToLeave;
  /** Names why a life ended; the report is written beside the restart. @param hung what was seen before its end. */
  readonly autopsy: (life: Life, exit: Exit, killedFor: KilledFor, hung: Hung | null) => EventOf<'component.crashed'>;
  /** Looks at a process that hangs, no longer than `withinMs`; null: it has gone. Never rejects. */
  readonly examine: (running: Running, withinMs: number) => Promise<Hung | null>;
  /** What the kernel says that it does, one letter (`D`: waits and hears no signal); null: nobody tells. */
  readonly kernelState: (running: Running) => string | null;
  /** Called between the spawn and the storing of the pid: where a test lets the daemon die. */
  readonly afterSpawn: (component: ComponentName) => void;
}

/** Who is told how a life goes; each is told of the current life only, and of none that is being ended. */
export interface LifeHearer {
  spawned(): void;
  notStarted(life: Life, why: string, facts: readonly RecoveryEvent[]): void;
  ready(life: Life, checks: string[]): void;
  /** Not verified healthy in time. It goes on living until somebody ends it. */
  late(life: Life, why: string, facts: readonly RecoveryEvent[]): void;
  /** Nobody knew whether it lived: its engine was asked, and runs nothing of it. */
  absent(): void;
  /** It was killed and is still there. */
  stuck(why: string): void;
  /** It ended and nobody had asked for it. It is closed already. */
  crashed(life: Life, crash: EventOf<'component.crashed'>): void;
}

/** A hung process does not hear the signal: it gets this long at most, so that its recovery does not wait in vain. */
const HUNG_GRACE_MS = 1_000;
/** Of that time, so much at most goes into finding out what it hangs in. */
const EXAMINED_MS = 500;

/** Killed so long ago and still there: it waits in the kernel, and nobody can end it. A large one needs seconds to go. */
const UNKILLABLE_AFTER_MS = 5_000;

/** The lives of one component, one after the other: launches, verifies, watches and ends them. Decides nothing. */
export class Lives {
  readonly #component: ComponentName;
  readonly #config: () => ComponentConfig;
  readonly #deps: LivesDeps;
  readonly #hearer: LifeHearer;
  #current: Life | null = null;
  /** What the last start should have had an engine run, and failed: it may have come up all the same. */
  #doubtful: EngineSettings | null = null;

  constructor(component: ComponentName, config: () => ComponentConfig, deps: LivesDeps, hearer: LifeHearer) {
    this.#component = component;
    this.#config = config;
    this.#deps = deps;
    this.#hearer = hearer;
  }

  get current(): Life | null {
    return this.#current;
  }

  /** @param before facts that are stored with the start, in one piece. */
  launch(reason: StartReason, attempt: number, before: readonly RecoveryEvent[]): void {
    const life = this.#open(this.#deps.nextLife(), reason);
    const { incarnation } = life;
    this.#deps.emit(...before, { type: 'component.starting', ...this.#about(), incarnation, reason, attempt });
    life.launched = this.#spawn(life);
  }

  /** @param known whether it was verified healthy before. */
  adopt(running: Running, incarnation: IncarnationId, reason: StartReason, known: boolean): Life {
    const life = this.#open(incarnation, reason);
    this.#deps.emit({ type: 'component.adopted', ...this.#about(), incarnation, ...runOf(running) });
    this.#watch(life, running);
    life.ready = known;
    return life;
  }

  /** A life that an earlier daemon had begun and that has ended since. */
  mourn(incarnation: IncarnationId): void {
    const life = this.#open(incarnation, 'boot');
    life.ready = true;
    this.#crashed(life, { code: null, signal: null });
  }

  /** Tells `ready` or `late`, unless it ends before. */
  async verify(life: Life): Promise<void> {
    const late = new AbortController();
    const { timeout } = this.#config().start;
    const cancel = this.#deps.clock.after(timeout, () => late.abort());
    const enough = AbortSignal.any([life.over.signal, late.signal]);
    let verification = await this.#deps.monitor.verify(this.#component, enough);
    // A reload has replaced its checks: the new ones are asked, within the same time.
    while (!verification.verified && !enough.aborted)
      verification = await this.#deps.monitor.verify(this.#component, enough);
    cancel();
    if (!this.#goesOn(life)) return;
    if (verification.verified) {
      life.ready = true;
      this.#hearer.ready(life, verification.checks);
      // From here on its CPU is measured: a hang is told apart by what it used since.
      life.running?.usage();
      return;
    }
    const { waitingFor } = verification;
    const facts = { ...this.#about(), incarnation: life.incarnation, afterMs: timeout, waitingFor };
    this.#hearer.late(life, `it was not ready within ${timeout} ms (waiting for ${waitingFor.join(', ')})`, [
      { type: 'component.start_timed_out', ...facts },
    ]);
  }

  /**
   * Ends the current life, gracefully first; one end for all who ask. Resolves when it has gone.
   * @param left what becomes of what it was, where that is not what starts next.
   */
  end(why: string, next: 'stop' | 'restart', hung = false, left: AfterStop = next): Promise<void> {
    const life = this.#current;
    if (!life) return Promise.resolve();
    life.ending ??= this.#end(life, why, next, hung, left);
    return life.ending;
  }

  /**
   * Where nothing of it is known to live: ends what an engine runs of it all the same, because a start failed and yet it
   * came up; once for all who ask meanwhile. Rejects when the engine cannot be asked.
   * @param mayRun also where no start of this daemon has failed.
   */
  endUnknown(why: string, mayRun: boolean): Promise<void> {
    const engine = this.#doubtful ?? (mayRun ? engineOf(this.#config()) : undefined);
    if (this.#current || !engine || engine.kind === 'parent') return this.#current?.endingUnknown ?? Promise.resolve();
    const life = this.#open(this.#deps.nextLife(), 'manual');
    life.endingUnknown = this.#endUnknown(life, why, engine);
    life.ending = life.endingUnknown.catch(() => undefined);
    return life.endingUnknown;
  }

  /** It has ended with what it lives in; nobody asks why. */
  fall(why: string): void {
    const life = this.#current;
    if (!life) return;
    const { incarnation, running } = life;
    const about = { ...this.#about(), incarnation, next: 'restart' } as const;
    this.#close(life);
    life.unwanted.abort();
    running?.lost?.();
    const exit = { code: null, signal: null };
    this.#deps.emit(
      { type: 'component.stopping', ...about, why, graceMs: 0 },
      { type: 'component.stopped', ...about, exit, forced: false },
    );
  }

  /** Lets go of the process without touching it. */
  forsake(): void {
    this.#current?.over.abort(OVER);
    this.#current = null;
  }

  #open(incarnation: IncarnationId, reason: StartReason): Life {
    return (this.#current = beginLife(incarnation, reason, this.#deps.clock.monotonic()));
  }

  async #spawn(life: Life): Promise<void> {
    const { incarnation } = life;
    const plan = this.#deps.plan(incarnation);
    try {
      const running = await this.#deps.driver.start(plan, life.unwanted.signal);
      this.#doubtful = null;
      this.#deps.afterSpawn(this.#component);
      this.#hearer.spawned();
      this.#deps.emit({ type: 'component.started', ...this.#about(), incarnation, ...runOf(running) });
      this.#watch(life, running);
      if (!life.ending) void this.verify(life);
    } catch (error) {
      this.#doubtful = plan.engine ?? null;
      const why = sentenceOf(error);
      const failed: RecoveryEvent = { type: 'component.start_failed', ...this.#about(), incarnation, why };
      if (!this.#goesOn(life)) return this.#deps.emit(failed);
      this.#close(life);
      this.#hearer.notStarted(life, why, [failed]);
    }
  }

  #watch(life: Life, running: Running): void {
    life.running = running;
    this.#deps.monitor.resume(this.#component);
    void running.exited.then((exit) => {
      if (this.#goesOn(life)) this.#crashed(life, exit);
    });
  }

  /** The hot path of every restart. */
  #crashed(life: Life, exit: Exit): void {
    const crash = this.#deps.autopsy(life, exit, null, null);
    this.#close(life);
    this.#hearer.crashed(life, crash);
  }

  async #end(life: Life, why: string, next: 'stop' | 'restart', hung: boolean, left: AfterStop): Promise<void> {
    const { stop } = this.#config();
    const graceMs = hung ? Math.min(HUNG_GRACE_MS, stop.timeout) : stop.timeout;
    const cpuRatio = hung ? (life.running?.usage()?.cpuRatio ?? null) : null;
    const { incarnation } = life;
    this.#deps.emit({ type: 'component.stopping', ...this.#about(), incarnation, why, graceMs, next });
    life.unwanted.abort();
    await life.launched;
    const asked = this.#deps.clock.monotonic();
    const hungIn = hung && life.running ? await this.#deps.examine(life.running, EXAMINED_MS) : null;
    const timeout = hung ? Math.max(0, graceMs - (this.#deps.clock.monotonic() - asked)) : graceMs;
    const ended = await this.#leave(life, hung ? null : why, { ...stop, timeout }, left);
    const exit = ended?.exit ?? { code: null, signal: null };
    const forced = ended?.forced ?? false;
    const crash = hung ? this.#deps.autopsy(life, exit, { why: 'hang', cpuRatio }, hungIn) : null;
    this.#close(life);
    this.#deps.emit(crash ?? { type: 'component.stopped', ...this.#about(), incarnation, exit, forced, next });
  }

  async #endUnknown(life: Life, why: string, engine: EngineSettings): Promise<void> {
    const { incarnation } = life;
    try {
      const running = await this.#deps.driver.find?.({ ...this.#deps.plan(incarnation), engine });
      if (running === 'pending') return;
      this.#doubtful = null;
      if (!running) return this.#hearer.absent();
      this.#deps.emit({ type: 'component.adopted', ...this.#about(), incarnation, ...runOf(running) });
      this.#watch(life, running);
      await this.#end(life, why, 'stop', false, 'stop');
    } finally {
      this.#close(life);
    }
  }

  /** @param why null: it does not listen, and gets the signal at once. One inside another is told by its driver. */
  async #leave(life: Life, why: string | null, stop: StopPolicy, next: AfterStop) {
    const { running } = life;
    if (!running) return undefined;
    const { askToLeave } = this.#deps;
    const timeout =
      why === null || running.lost
        ? stop.timeout
        : await askToLeave(this.#component, running.exited, stop.timeout, why);
    const cancel = this.#deps.clock.after(timeout + UNKILLABLE_AFTER_MS, () => this.#stuck(life, running));
    void running.exited.then(cancel);
    return running.stop({ ...stop, timeout }, next);
  }

  /** What an engine runs has its own ways to end it, and its own time. */
  #stuck(life: Life, running: Running): void {
    if (running.engine) return;
    const { incarnation } = life;
    const facts = {
      pid: running.process?.pid ?? null,
      processState: this.#deps.kernelState(running),
      afterMs: UNKILLABLE_AFTER_MS,
    };
    this.#deps.emit({ type: 'component.unkillable', ...this.#about(), incarnation, ...facts });
    const why = `it cannot be killed: ${whyUnkillable(facts)}`;
    life.unkillable.reject(new Error(why));
    this.#hearer.stuck(why);
  }

  #goesOn(life: Life): boolean {
    return this.#current === life && !life.ending;
  }

  #close(life: Life): void {
    life.over.abort(OVER);
    if (this.#current === life) this.#current = null;
    this.#deps.monitor.pause(this.#component);
  }

  #about() {
    return { component: this.#component, at: this.#deps.clock.now() };
  }
}

/** Who runs, as events tell it. */
const runOf = ({ process, engine }: Running): Pick<EventOf<'component.started'>, 'process' | 'engine'> => ({
  process,
  ...(engine && { engine }),
});

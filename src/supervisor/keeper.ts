import type { Clock } from '../clock.ts';
import type { ComponentConfig } from '../config/index.ts';
import { randomHex } from '../digest.ts';
import type { Driver, Running, StartPlan } from '../drivers/index.ts';
import { sentenceOf } from '../errors.ts';
import type { HealthMonitor } from '../health/index.ts';
import type {
  ComponentName,
  ComponentRecord,
  Decision,
  Emit,
  EventOf,
  Exit,
  IncarnationId,
  RecoveryEvent,
  StartReason,
} from '../model/index.ts';
import { isCounted, type RestartRequest } from '../restart/index.ts';
import type { KilledFor } from './autopsy.ts';
import { Waiters, type Life } from './life.ts';
import { RecoveryStory } from './recovery.ts';

/** What a keeper may ask of the house around it. */
export interface KeeperDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly emit: Emit;
  readonly driver: Driver;
  readonly monitor: HealthMonitor;
  readonly record: () => ComponentRecord;
  /** Knows everything but the request: budgets, other recoveries, maintenance windows. */
  readonly decide: (request: RestartRequest) => Decision;
  readonly plan: (incarnation: IncarnationId) => StartPlan;
  /** Names why a life ended; the report is written beside the restart. */
  readonly autopsy: (life: Life, exit: Exit, killedFor: KilledFor | null) => EventOf<'component.crashed'>;
  /** Dependencies that are not up. */
  readonly unmet: () => readonly ComponentName[];
  /** Called between the spawn and the storing of the pid: where a test lets the daemon die. */
  readonly afterSpawn: (component: ComponentName) => void;
}

/** What led to a request, beyond the request itself. */
export interface Cause {
  /** Facts that are stored with the decision, in one piece. */
  readonly before?: readonly RecoveryEvent[];
  /** What is wrong, for people: why a living process must end, or how the last one ended. */
  readonly why?: string;
  /** How long ago the fault began. */
  readonly detectMs?: number;
}

/** A hung process does not hear the signal: it gets this long at most, so that its recovery does not wait in vain. */
const HUNG_GRACE_MS = 1_000;

/**
 * Keeps one component: starts it, verifies it, hears its end, asks for a decision, carries it out. It holds no
 * policy: whether and when is decided in `restart/decide.ts`. One thing at a time: a request that comes while a
 * start is under way joins it.
 */
export class Keeper {
  readonly name: ComponentName;
  config: ComponentConfig;
  readonly #deps: KeeperDeps;
  readonly #story: RecoveryStory;
  readonly #waiters = new Waiters();
  #life: Life | null = null;
  #cancelTimer: () => void = () => {};
  /** A start that waits for its dependencies. */
  #pending: StartReason | null = null;
  /** Replaced whenever somebody wants something else: what was begun for an older wish stops where it is. */
  #wish: object = {};
  /** A request that was told to wait, and the rule that said so. */
  #deferred: { readonly request: RestartRequest; readonly rule: string; readonly why: string } | null = null;

  constructor(name: ComponentName, config: ComponentConfig, deps: KeeperDeps) {
    this.name = name;
    this.config = config;
    this.#deps = deps;
    this.#story = new RecoveryStory(name, deps.clock, deps.record);
  }

  get life(): Life | null {
    return this.#life;
  }

  /** A start or a stop is under way. */
  get busy(): boolean {
    return this.#life !== null && (!this.#life.ready || this.#life.ending !== null);
  }

  /** Why nothing runs although it is meant to; empty when it waits for nobody. */
  get waitingFor(): string {
    return this.#pending === null ? '' : `waiting for ${this.#deps.unmet().join(', ')}`;
  }

  /** Resolves when verified healthy; rejects when this start ends otherwise. */
  whenReady(): Promise<void> {
    return this.#life?.ready && !this.#life.ending ? Promise.resolve() : this.#waiters.wait();
  }

  /** Starts it now if its dependencies are up, else as soon as they are. A start under way goes on. */
  begin(reason: StartReason, before: readonly RecoveryEvent[] = []): void {
    this.#cancelTimer();
    if (this.#life || this.#deps.unmet().length > 0) {
      if (!this.#life) this.#pending = reason;
      if (before.length > 0) this.#deps.emit(...before);
      return;
    }
    this.#pending = null;
    this.#deferred = null;
    const incarnation = randomHex(16) as IncarnationId;
    const life = this.#open(incarnation, reason);
    const attempt = this.#deps.record().attempts;
    this.#deps.emit(...before, { type: 'component.starting', ...this.#about(), incarnation, reason, attempt });
    life.launched = this.#launch(life);
  }

  /** Starts it after a delay that an earlier daemon had decided. */
  beginIn(delayMs: number, reason: StartReason): void {
    this.#in(delayMs, () => this.begin(reason));
  }

  /** Takes over a process of an earlier daemon, in whatever state it was recorded. */
  adopt(running: Running, incarnation: IncarnationId): void {
    const { state } = this.#deps.record();
    const known = 'incarnation' in state && state.incarnation === incarnation;
    const life = this.#open(incarnation, state.is === 'starting' ? state.reason : 'boot');
    this.#deps.emit({ type: 'component.adopted', ...this.#about(), incarnation, process: running.process });
    this.#watch(life, running);
    if (known && state.is === 'stopping') void this.#finishStop(life, state.next);
    else if (known && state.is === 'running') life.ready = true;
    else void this.#verify(life);
  }

  /** Takes over a request for a restart that the daemon before this one had put off. */
  defer(request: RestartRequest, rule: string, why: string): void {
    this.#deferred = { request, rule, why };
  }

  /** It was running when the daemon before this one died, and is not any more. */
  lost(incarnation: IncarnationId): void {
    const life = this.#open(incarnation, 'boot');
    life.ready = true;
    this.#crashed(life, { code: null, signal: null });
  }

  /** A dependency came up, a recovery ended or time passed: what waited looks again. */
  recheck(): void {
    if (this.#pending !== null && this.#deps.unmet().length === 0) return this.begin(this.#pending);
    const deferred = this.#deferred;
    if (!deferred) return;
    const health = this.#deps.monitor.statusOf(this.name);
    if (this.#life?.ready && (health === 'healthy' || health === 'degraded')) {
      this.#deferred = null;
      const finished = this.#story.finish('recovered');
      if (finished.length > 0) this.#deps.emit(...finished);
    } else this.request(deferred.request, { why: deferred.why });
  }

  /** Asks for a restart: decided, stored, carried out. @returns what was decided. */
  request(request: RestartRequest, { before = [], why = '', detectMs = 0 }: Cause = {}): Decision {
    const { reason, by } = request;
    this.#story.detected(detectMs);
    const decision = withCause(this.#jittered(this.#deps.decide(request)), why);
    this.#story.decided();
    const decided: RecoveryEvent = {
      type: 'restart.decided',
      ...this.#about(),
      reason,
      by,
      decision,
      counted: isCounted(request),
    };
    const deferredBy = this.#deferred?.rule;
    if (decision.kind !== 'refuse') this.#wishAnew();

    switch (decision.kind) {
      case 'restart':
        void this.#carryOut(
          request,
          decision.delayMs,
          [...before, decided, ...this.#story.begin(reason)],
          why || 'a restart was asked for',
        );
        break;
      case 'wait':
        this.#deferred = { request, rule: decision.rule, why };
        if (deferredBy !== decision.rule || before.length > 0)
          this.#deps.emit(...before, decided, ...this.#story.begin(reason));
        if (decision.until !== null) this.#in(decision.until - this.#deps.clock.now(), () => this.recheck());
        break;
      case 'stay':
        this.#deps.emit(...before, decided, ...this.#story.finish('aborted'));
        this.#waiters.settle(new Error(decision.why));
        break;
      case 'fail':
        void this.#giveUp(decision.rule, decision.why, reason === 'hang', why, [...before, decided]);
        break;
      case 'refuse':
        this.#story.dropped();
        this.#deps.emit(...before, decided);
        break;
      default:
        return decision satisfies never;
    }
    return decision;
  }

  /** Ends it for good, gracefully first. Resolves when it has gone; nothing to stop is no error. */
  async stop(why: string): Promise<void> {
    this.#wishAnew();
    this.#pending = null;
    this.#waiters.settle(new Error(why));
    if (this.#life) await this.#stopLife(this.#life, why, 'stop');
    const finished = this.#story.finish('aborted');
    if (finished.length > 0) this.#deps.emit(...finished);
  }

  /** Stops and starts it without a decision: its configuration has changed. */
  async replace(): Promise<void> {
    this.#wishAnew();
    const wish = this.#wish;
    if (this.#life) await this.#stopLife(this.#life, 'its configuration has changed', 'restart');
    if (this.#wish === wish) this.begin('reload');
  }

  /** Lets go of everything without touching the process: the daemon leaves, its children stay. */
  forsake(): void {
    this.#wishAnew();
    this.#pending = null;
    this.#life?.over.abort();
    this.#life = null;
  }

  #open(incarnation: IncarnationId, reason: StartReason): Life {
    this.#life = {
      incarnation,
      reason,
      startedAt: this.#deps.clock.monotonic(),
      over: new AbortController(),
      launched: Promise.resolve(),
      running: null,
      ending: null,
      ready: false,
    };
    return this.#life;
  }

  async #launch(life: Life): Promise<void> {
    try {
      const running = await this.#deps.driver.start(this.#deps.plan(life.incarnation));
      this.#deps.afterSpawn(this.name);
      this.#story.spawned();
      this.#deps.emit({
        type: 'component.started',
        ...this.#about(),
        incarnation: life.incarnation,
        process: running.process,
      });
      this.#watch(life, running);
      if (!life.ending) void this.#verify(life);
    } catch (error) {
      this.#notStarted(life, sentenceOf(error));
    }
  }

  #notStarted(life: Life, why: string): void {
    const failed: RecoveryEvent = {
      type: 'component.start_failed',
      ...this.#about(),
      incarnation: life.incarnation,
      why,
    };
    if (life.ending || this.#life !== life) return this.#deps.emit(failed);
    this.#close(life);
    const before = [failed, ...this.#restartFinished(life, 'failure')];
    this.request(
      { reason: 'crash', by: 'supervisor', force: false, crash: { code: null, severity: 'high' } },
      { before, why },
    );
    this.#waiters.settle(new Error(why));
  }

  #watch(life: Life, running: Running): void {
    life.running = running;
    this.#deps.monitor.resume(this.name);
    void running.exited.then((exit) => {
      if (this.#life === life && !life.ending) this.#crashed(life, exit);
    });
  }

  async #verify(life: Life): Promise<void> {
    const late = new AbortController();
    const { timeout } = this.config.start;
    const cancel = this.#deps.clock.after(timeout, () => late.abort());
    const enough = AbortSignal.any([life.over.signal, late.signal]);
    let verification = await this.#deps.monitor.verify(this.name, enough);
    // A reload has replaced its checks: the new ones are asked, within the same time.
    while (!verification.verified && !enough.aborted) verification = await this.#deps.monitor.verify(this.name, enough);
    cancel();
    if (this.#life !== life || life.ending) return;
    if (verification.verified) return this.#isReady(life, verification.checks);
    const { waitingFor } = verification;
    const about = { ...this.#about(), incarnation: life.incarnation };
    const before: RecoveryEvent[] = [
      { type: 'component.start_timed_out', ...about, afterMs: timeout, waitingFor },
      ...this.#restartFinished(life, 'failure'),
    ];
    const why = `it was not ready within ${timeout} ms (waiting for ${waitingFor.join(', ')})`;
    this.#waiters.settle(new Error(why));
    const decision = this.request({ reason: 'health', by: 'supervisor', force: false, crash: null }, { before, why });
    // Nobody may try again: it has failed. Or not yet: it may still come up meanwhile.
    if (decision.kind === 'refuse') await this.#giveUp(decision.rule, `${decision.why}; last: ${why}`, false, why);
    else if (decision.kind === 'wait') await this.#verify(life);
  }

  #isReady(life: Life, checks: string[]): void {
    life.ready = true;
    const { clock, emit } = this.#deps;
    const startupMs = clock.monotonic() - life.startedAt;
    emit(
      { type: 'component.ready', ...this.#about(), incarnation: life.incarnation, startupMs, checks },
      ...this.#restartFinished(life, 'success'),
      ...this.#story.finish('recovered'),
    );
    const health = this.#deps.monitor.statusOf(this.name);
    if (health !== 'healthy')
      emit({
        type: 'component.health_changed',
        ...this.#about(),
        from: 'healthy',
        to: health,
        why: 'ready, though not quite well',
      });
    // From here on its CPU is measured: a hang is told apart by what it used since.
    life.running?.usage();
    this.#waiters.settle(null);
  }

  /** It ended and nobody had asked for it: the hot path of every restart. */
  #crashed(life: Life, exit: Exit): void {
    const crashed = this.#deps.autopsy(life, exit, null);
    this.#close(life);
    const before = [crashed, ...(life.ready ? [] : this.#restartFinished(life, 'failure'))];
    const crash = { code: exit.code, severity: crashed.severity };
    const why = `${crashed.crashType}, ${crashed.errorType}`;
    this.request({ reason: 'crash', by: 'supervisor', force: false, crash }, { before, why });
    if (!life.ready) this.#waiters.settle(new Error(`it ended before it was ready: ${why}`));
  }

  /** Ends what still lives, then starts it again, `delayMs` after the decision. */
  async #carryOut(
    request: RestartRequest,
    delayMs: number,
    events: readonly RecoveryEvent[],
    why: string,
  ): Promise<void> {
    const life = this.#life;
    if (!life && delayMs <= 0) return this.begin(request.reason, events);
    const due = this.#deps.clock.monotonic() + delayMs;
    const wish = this.#wish;
    this.#deps.emit(...events);
    if (life) await this.#stopLife(life, why, 'restart', request.reason === 'hang');
    if (this.#wish !== wish) return;
    this.#in(due - this.#deps.clock.monotonic(), () => this.begin(request.reason));
  }

  /** @param before stored at once; in one piece with the end of it all when nothing is left to stop. */
  async #giveUp(
    rule: string,
    verdict: string,
    hung: boolean,
    why: string,
    before: readonly RecoveryEvent[] = [],
  ): Promise<void> {
    const life = this.#life;
    if (life) {
      if (before.length > 0) this.#deps.emit(...before);
      await this.#stopLife(life, why, 'stop', hung);
    }
    this.#deps.emit(
      ...(life ? [] : before),
      { type: 'component.failed', ...this.#about(), rule, why: verdict },
      ...this.#story.finish('escalated'),
    );
    this.#waiters.settle(new Error(verdict));
  }

  #stopLife(life: Life, why: string, next: 'stop' | 'restart', hung = false): Promise<void> {
    life.ending ??= this.#endLife(life, why, next, hung);
    return life.ending;
  }

  async #endLife(life: Life, why: string, next: 'stop' | 'restart', hung: boolean): Promise<void> {
    const { stop } = this.config;
    const graceMs = hung ? Math.min(HUNG_GRACE_MS, stop.timeout) : stop.timeout;
    const cpuRatio = hung ? (life.running?.usage()?.cpuRatio ?? null) : null;
    const about = { ...this.#about(), incarnation: life.incarnation };
    this.#deps.emit({ type: 'component.stopping', ...about, why, graceMs, next });
    await life.launched;
    const ended = await life.running?.stop({ ...stop, timeout: graceMs });
    const exit = ended?.exit ?? { code: null, signal: null };
    const forced = ended?.forced ?? false;
    const crashed = hung ? this.#deps.autopsy(life, exit, { why: 'hang', cpuRatio }) : null;
    this.#close(life);
    this.#deps.emit(crashed ?? { type: 'component.stopped', ...about, at: this.#deps.clock.now(), exit, forced, next });
  }

  /** A stop that the daemon before this one had begun. */
  async #finishStop(life: Life, next: 'stop' | 'restart'): Promise<void> {
    const wish = this.#wish;
    await this.#stopLife(life, 'an earlier daemon had begun to stop it', next);
    if (next === 'restart' && this.#wish === wish) this.begin('boot');
  }

  #close(life: Life): void {
    life.over.abort();
    if (this.#life === life) this.#life = null;
    this.#deps.monitor.pause(this.name);
  }

  #wishAnew(): void {
    this.#wish = {};
    this.#cancelTimer();
    this.#deferred = null;
  }

  #in(delayMs: number, run: () => void): void {
    this.#cancelTimer();
    if (delayMs <= 0) run();
    else this.#cancelTimer = this.#deps.clock.after(delayMs, run);
  }

  #jittered(decision: Decision): Decision {
    if (decision.kind !== 'restart' || decision.delayMs === 0) return decision;
    const spread = this.config.restart.jitter * (2 * this.#deps.random() - 1);
    return { ...decision, delayMs: Math.round(decision.delayMs * (1 + spread)) };
  }

  #restartFinished(life: Life, outcome: 'success' | 'failure'): RecoveryEvent[] {
    const { reason } = life;
    if (reason === 'boot' || reason === 'reload') return [];
    const durationMs = this.#deps.clock.monotonic() - life.startedAt;
    return [{ type: 'restart.finished', ...this.#about(), reason, outcome, durationMs }];
  }

  #about() {
    return { component: this.name, at: this.#deps.clock.now() };
  }
}

/** What is said of a component that stays down names what brought it down. */
const withCause = (decision: Decision, cause: string): Decision =>
  (decision.kind === 'fail' || decision.kind === 'stay') && cause !== ''
    ? { ...decision, why: `${decision.why}; last: ${cause}` }
    : decision;

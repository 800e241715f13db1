import type { Running } from '../drivers/index.ts';
import type { ComponentConfig } from '../config/index.ts';
import type { ToldCrash } from '../crashes/index.ts';
import {
  faultOf,
  type ComponentName,
  type ComponentRecord,
  type Decision,
  type EventOf,
  type IncarnationId,
  type ProcessIdentity,
  type RecoveryEvent,
  type StartReason,
} from '../model/index.ts';
import { isCounted, type RestartRequest } from '../restart/index.ts';
import { askAgain, type Deferred, type OutcomeOf } from './deferral.ts';
import type { Life } from './life.ts';
import { Lives, type LifeHearer, type LivesDeps } from './lives.ts';
import { RecoveryStory } from './recovery.ts';
import { processOf } from './state.ts';
import { Waiters } from './waiters.ts';
import { Wish } from './wish.ts';

/** What a keeper may ask of the house around it. */
export interface KeeperDeps extends LivesDeps {
  readonly random: () => number;
  readonly record: () => ComponentRecord;
  /** Knows everything but the request: budgets, other recoveries, maintenance windows. */
  readonly decide: (request: RestartRequest) => Decision;
  /** Dependencies that are not up. */
  readonly unmet: () => readonly ComponentName[];
  /** Has a dependency restarted that is to blame, unless that is under way. */
  readonly blame: (dependency: ComponentName) => void;
  readonly outcomeOf: OutcomeOf;
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

/**
 * Keeps one component: hears how its lives go, asks for a decision, carries it out. It holds no policy: whether and
 * when is decided in `restart/decide.ts`. One thing at a time: a request that comes while a start is under way joins
 * it.
 */
export class Keeper implements LifeHearer {
  readonly name: ComponentName;
  config: ComponentConfig;
  readonly #deps: KeeperDeps;
  readonly #lives: Lives;
  readonly #story: RecoveryStory;
  readonly #waiters = new Waiters();
  readonly #wish: Wish;
  /** A start that waits for its dependencies. */
  #pending: StartReason | null = null;
  #deferred: Deferred | null = null;

  constructor(name: ComponentName, config: ComponentConfig, deps: KeeperDeps) {
    this.name = name;
    this.config = config;
    this.#deps = deps;
    this.#lives = new Lives(name, () => this.config, deps, this);
    this.#story = new RecoveryStory(name, deps.clock, deps.record);
    this.#wish = new Wish(deps.clock);
  }

  get life(): Life | null {
    return this.#lives.current;
  }

  /** Its process on this machine; null: none is known. One that was taken over unseen is told later than its life. */
  get process(): ProcessIdentity | null {
    return this.life?.running?.process ?? processOf(this.#deps.record().state);
  }

  /** A start or a stop is under way. */
  get busy(): boolean {
    return this.life !== null && (!this.life.ready || this.life.ending !== null);
  }

  /** Why nothing runs although it is meant to; empty when it waits for nobody. */
  get waitingFor(): string {
    return this.#pending === null ? '' : `waiting for ${this.#deps.unmet().join(', ')}`;
  }

  /** Resolves true when verified healthy, false when its start waits for others; rejects when it ends otherwise. */
  whenReady(): Promise<boolean> {
    return this.life?.ready && !this.life.ending ? Promise.resolve(true) : this.#waiters.wait();
  }

  /** Starts it now if its dependencies are up, else as soon as they are. A start under way goes on. */
  begin(reason: StartReason, before: readonly RecoveryEvent[] = []): void {
    this.#wish.cancel();
    if (this.life || this.#deps.unmet().length > 0) {
      if (!this.life) this.#await(reason);
      return this.#tell(before);
    }
    this.#pending = null;
    this.#deferred = null;
    this.#lives.launch(reason, this.#deps.record().attempts, before);
  }

  /** Starts it after a delay that an earlier daemon had decided. */
  beginIn(delayMs: number, reason: StartReason): void {
    this.#wish.in(delayMs, () => this.begin(reason));
  }

  /**
   * Takes over what an earlier daemon ran, in whatever state it was recorded.
   * @param elsewhere what runs is not what is started next.
   */
  adopt(running: Running, incarnation: IncarnationId, elsewhere = false): void {
    const { state } = this.#deps.record();
    const known = 'incarnation' in state && state.incarnation === incarnation;
    const reason = state.is === 'starting' ? state.reason : 'boot';
    const life = this.#lives.adopt(running, incarnation, reason, known && state.is === 'running');
    if (known && state.is === 'stopping') void this.#finishStop(state.next, elsewhere);
    else if (!life.ready) void this.#lives.verify(life);
  }

  /** Takes over a request for a restart that the daemon before this one had put off. */
  defer(deferred: Deferred): void {
    this.#deferred = deferred;
  }

  /** It was running when the daemon before this one died, and is not any more. */
  lost(incarnation: IncarnationId): void {
    this.#lives.mourn(incarnation);
  }

  /** It says why it is about to end: the evidence of the crash that follows; of a logical component it is the crash. */
  testify(told: ToldCrash): void {
    if (!this.life) return;
    this.life.told = { ...told, at: this.#deps.clock.now() };
    this.life.running?.lost?.();
  }

  /** What it lives in has ended: it is down until that is back, through no fault of its own. */
  fall(why: string): void {
    const { life } = this;
    if (life?.ending) life.running?.lost?.();
    else if (life) {
      this.#wishAnew();
      this.#lives.fall(why);
      this.#await('dependency');
    }
  }

  /** A dependency came up, a recovery ended or time passed: what waited looks again. */
  recheck(): void {
    if (this.#pending !== null && this.#deps.unmet().length === 0) return this.begin(this.#pending);
    const deferred = this.#deferred;
    if (!deferred) return;
    const health = this.#deps.monitor.statusOf(this.name);
    if (this.life?.ready && (health === 'healthy' || health === 'degraded')) {
      this.#deferred = null;
      this.#tell(this.#story.finish('recovered'));
      return;
    }
    const again = askAgain(deferred, this.#deps.outcomeOf);
    if (again) this.request(again, { why: deferred.why });
  }

  /** Asks for a restart: decided, stored, carried out. @returns what was decided. */
  request(request: RestartRequest, { before = [], why = '', detectMs = 0 }: Cause = {}): Decision {
    const { reason, by } = request;
    this.#story.detected(detectMs);
    const decision = withCause(this.#jittered(this.#deps.decide(request)), why);
    this.#story.decided();
    const counted = isCounted(request);
    const facts: RecoveryEvent[] = [
      ...before,
      { type: 'restart.decided', ...this.#about(), reason, by, decision, counted },
    ];
    const deferredBy = this.#deferred?.decision.rule;
    if (decision.kind !== 'refuse') this.#wishAnew();

    switch (decision.kind) {
      case 'restart':
        void this.#carryOut(request, decision.delayMs, [...facts, ...this.#story.begin(reason)], why);
        break;
      case 'wait':
        this.#deferred = { request, decision, at: this.#deps.clock.now(), why };
        if (deferredBy !== decision.rule || before.length > 0) this.#tell([...facts, ...this.#story.begin(reason)]);
        if (decision.until !== null) this.#wish.in(decision.until - this.#deps.clock.now(), () => this.recheck());
        break;
      case 'blame':
        this.#deferred = { request, decision, at: this.#deps.clock.now(), why };
        this.#tell([...facts, ...this.#story.begin(reason)]);
        this.#deps.blame(decision.dependency);
        break;
      case 'stay':
        this.#tell([...facts, ...this.#story.finish('aborted')]);
        this.#waiters.settle(new Error(decision.why));
        break;
      case 'fail':
        void this.#giveUp(decision, reason === 'hang', why, facts);
        break;
      case 'refuse':
        this.#story.dropped();
        this.#tell(facts);
        break;
      default:
        return decision satisfies never;
    }
    return decision;
  }

  /**
   * Ends it for good, gracefully first. Resolves when it has gone; nothing to stop is no error. Rejects when its engine,
   * which may run it although its start has failed, cannot be asked.
   * @param whoever ends too what somebody else has had its engine run.
   */
  async stop(why: string, whoever = false): Promise<void> {
    this.#wishAnew();
    this.#pending = null;
    this.#waiters.settle(new Error(why));
    try {
      const isKnown = this.life && !this.life.endingUnknown;
      const mayRun = whoever || this.#deps.record().mayRun;
      await (isKnown ? this.#lives.end(why, 'stop') : this.#lives.endUnknown(why, mayRun));
    } finally {
      this.#tell(this.#story.finish('aborted'));
    }
  }

  /**
   * Ends it for whoever begins it again, with others that have to end first. When the daemon dies meanwhile, the next one
   * does.
   */
  async halt(why: string): Promise<void> {
    this.#wishAnew();
    this.#pending = null;
    this.#waiters.settle(new Error(why));
    await this.#lives.end(why, 'restart');
  }

  /**
   * Stops and starts it without a decision: its configuration has changed.
   * @param elsewhere what runs is not what is started then.
   */
  async replace(elsewhere = false): Promise<void> {
    const holds = this.#wishAnew();
    const why = 'its configuration has changed';
    await this.#lives.end(why, 'restart', false, elsewhere ? 'stop' : 'restart');
    // What cannot be asked whether it runs holds up nothing; the log says so.
    if (elsewhere) await this.#lives.endUnknown(why, false).catch(() => undefined);
    if (holds()) this.begin('reload');
  }

  /** Lets go of everything without touching the process: the daemon leaves, its children stay. */
  forsake(): void {
    this.#wishAnew();
    this.#pending = null;
    this.#lives.forsake();
  }

  spawned(): void {
    this.#story.spawned();
  }

  notStarted(life: Life, why: string, facts: readonly RecoveryEvent[]): void {
    const crash = { code: null, severity: 'high', signature: null } as const;
    const before = [...facts, ...this.#restartFinished(life, 'failure')];
    const unanswered = this.config.parent !== undefined;
    this.request({ reason: 'crash', by: 'supervisor', force: false, crash, unanswered }, { before, why });
    this.#waiters.settle(new Error(why));
  }

  ready(life: Life, checks: string[]): void {
    const { clock, emit, monitor } = this.#deps;
    const startupMs = clock.monotonic() - life.startedAt;
    emit(
      { type: 'component.ready', ...this.#about(), incarnation: life.incarnation, startupMs, checks },
      ...this.#restartFinished(life, 'success'),
      ...this.#story.finish('recovered'),
    );
    const to = monitor.statusOf(this.name);
    const why = 'ready, though not quite well';
    if (to !== 'healthy') emit({ type: 'component.health_changed', ...this.#about(), from: 'healthy', to, why });
    this.#waiters.settle('ready');
  }

  late(life: Life, why: string, facts: readonly RecoveryEvent[]): void {
    const before = [...facts, ...this.#restartFinished(life, 'failure')];
    this.#waiters.settle(new Error(why));
    const decision = this.request({ reason: 'health', by: 'supervisor', force: false, crash: null }, { before, why });
    // Nobody may try again: it has failed. Or not yet: it may still come up meanwhile.
    if (decision.kind === 'refuse')
      void this.#giveUp({ rule: decision.rule, why: `${decision.why}; last: ${why}` }, false, why, []);
    else if (decision.kind === 'wait' || decision.kind === 'blame') void this.#lives.verify(life);
  }

  absent(): void {
    if (this.#deps.record().mayRun) this.#deps.emit({ type: 'component.absent', ...this.#about() });
  }

  stuck(why: string): void {
    this.#waiters.settle(new Error(why));
  }

  crashed(life: Life, crash: EventOf<'component.crashed'>): void {
    const before = [crash, ...(life.ready ? [] : this.#restartFinished(life, 'failure'))];
    const why = `${crash.crashType}, ${crash.errorType}`;
    const ended = { code: crash.exit.code, severity: crash.severity, signature: faultOf(crash) };
    this.request({ reason: 'crash', by: 'supervisor', force: false, crash: ended }, { before, why });
    if (!life.ready) this.#waiters.settle(new Error(`it ended before it was ready: ${why}`));
  }

  /** Ends what still lives, then starts it again, `delayMs` after the decision. */
  async #carryOut(request: RestartRequest, delayMs: number, facts: RecoveryEvent[], why: string): Promise<void> {
    if (!this.life && delayMs <= 0) return this.begin(request.reason, facts);
    const due = this.#deps.clock.monotonic() + delayMs;
    const holds = this.#wish.holds();
    this.#tell(facts);
    await this.#lives.end(why || 'a restart was asked for', 'restart', request.reason === 'hang');
    if (holds()) this.beginIn(due - this.#deps.clock.monotonic(), request.reason);
  }

  /** @param facts stored at once; in one piece with the end of it all when nothing is left to stop. */
  async #giveUp(
    verdict: { readonly rule: string; readonly why: string },
    hung: boolean,
    why: string,
    facts: readonly RecoveryEvent[],
  ): Promise<void> {
    const alive = this.life !== null;
    if (alive) {
      this.#tell(facts);
      await this.#lives.end(why, 'stop', hung);
    }
    const { rule, why: said } = verdict;
    const failed: RecoveryEvent = { type: 'component.failed', ...this.#about(), rule, why: said };
    this.#tell([...(alive ? [] : facts), failed, ...this.#story.finish('escalated')]);
    this.#waiters.settle(new Error(said));
  }

  /** A stop that the daemon before this one had begun. */
  async #finishStop(next: 'stop' | 'restart', elsewhere: boolean): Promise<void> {
    const holds = this.#wish.holds();
    await this.#lives.end('an earlier daemon had begun to stop it', next, false, elsewhere ? 'stop' : next);
    if (next === 'restart' && holds()) this.begin('boot');
  }

  /** Until its dependencies are up, which may take for ever: whoever waits for it to be ready is not kept. */
  #await(reason: StartReason): void {
    this.#pending = reason;
    this.#waiters.settle('waits');
  }

  #wishAnew(): () => boolean {
    this.#deferred = null;
    return this.#wish.renew();
  }

  #jittered(decision: Decision): Decision {
    if (decision.kind !== 'restart' || decision.delayMs === 0) return decision;
    const spread = this.config.restart.jitter * (2 * this.#deps.random() - 1);
    return { ...decision, delayMs: Math.round(decision.delayMs * (1 + spread)) };
  }

  #restartFinished({ reason, startedAt }: Life, outcome: 'success' | 'failure'): RecoveryEvent[] {
    if (reason === 'boot' || reason === 'reload') return [];
    const durationMs = this.#deps.clock.monotonic() - startedAt;
    return [{ type: 'restart.finished', ...this.#about(), reason, outcome, durationMs }];
  }

  #tell(facts: readonly RecoveryEvent[]): void {
    if (facts.length > 0) this.#deps.emit(...facts);
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

import type { Clock } from '../clock.ts';
import type { BreakerState } from '../model/index.ts';
import type { CallOutcome, Permit } from './breakers.ts';
import type { DegradationNews, Features } from './features.ts';
import type { Dropped, GuardOptions } from './guard.ts';
import type { Beat, HeartbeatOptions } from './heartbeat.ts';
import type { GoOn, PauseOrder } from './hold.ts';
import type { Migration } from './migrate.ts';

export interface ConnectOptions {
  /** `PARAMEDIC_URL` unless given. */
  readonly url?: string;
  /** `PARAMEDIC_TOKEN` unless given. */
  readonly token?: string;
  /** `PARAMEDIC_COMPONENT` unless given; another name is a logical child of this component. */
  readonly component?: string;
  /** How long a call is tried while the daemon is away, in ms. Default 30,000. */
  readonly deadlineMs?: number;
  /**
   * Journal entries that may wait; beyond it `journal` rejects at once. As many outcomes of guarded calls may wait; what
   * comes beyond it is dropped. Default 1,000.
   */
  readonly queueLimit?: number;
  /** Hears of heartbeats and outcomes that the daemon was not told: how many, and why. Must not throw. */
  readonly onDrop?: (what: keyof Dropped, count: number, why: unknown) => void;
  /**
   * Of the shape of the state that this program reads and writes. With it `restore` and `onSetState` give the state in
   * this shape, whatever it was saved in, or reject: see `migrations`. Default: all is given as it was saved.
   */
  readonly schemaVersion?: number | undefined;
  /**
   * From version n to n + 1, by n: `{ 1: (state) => …, 2: { state: (state) => …, entry: (entry) => … } }`. What is older
   * goes through all of them; `entry` for what was journalled, where its shape has changed too. A missing one
   * (MIGRATION_MISSING), one that throws or gives nothing back (MIGRATION_FAILED), and what is newer than
   * `schemaVersion` (SCHEMA_NEWER) make `restore` reject; nothing is saved or journalled from then on, so that nothing
   * takes the place of what is there.
   */
  readonly migrations?: Readonly<Record<number, Migration>> | undefined;
  readonly clock?: Clock;
}

export interface JournalledOperation {
  readonly entryId: number;
  /** When it was stored, ms since 1970. */
  readonly at: number;
  readonly operation: string;
  readonly data: unknown;
  /** That it was written under, whatever has been made of it; null: not known, as of the state before it. */
  readonly schemaVersion: number | null;
}

export interface RestoredState {
  /** null at a first start. */
  readonly checkpointId: string | null;
  readonly state: unknown;
  /** Of the state as it is given. */
  readonly schemaVersion: number;
  /** That the state was saved in, when that was another; until it is saved, it counts as changed. Else null. */
  readonly migratedFrom: number | null;
  /** What was journalled after the state, oldest first: apply it to the state. */
  readonly journal: readonly JournalledOperation[];
  readonly dataLossSeconds: number;
}

/** A component's state at this moment. */
export interface PresentState {
  readonly state: unknown;
  readonly schemaVersion?: number;
  /**
   * The last journal entry that the state contains. Unless given, the newest one acknowledged when the state was
   * asked for: right when it is given back at once, or nothing is journalled meanwhile.
   */
  readonly through?: number;
}

export interface HearOptions {
  /**
   * Hears what the handler threw, of an answer that the daemon did not take, and of a refusal after which nothing is
   * heard any more. Must not throw.
   */
  readonly onError?: (error: unknown) => void;
}

export interface ShutdownOrder {
  /** For people. */
  readonly why: string;
  /** Time until the signal comes, ms. */
  readonly deadlineMs: number;
}

/** How a breaker is. */
export interface BreakerNews {
  readonly breaker: string;
  readonly state: BreakerState;
  /** How long an open one lets nothing through, ms. */
  readonly waitMs: number;
}

export interface SaveOptions {
  readonly through?: number;
  readonly schemaVersion?: number;
  /**
   * `memory`: kept by the daemon, on no disk, for a fast and cheap save; lost when the daemon dies, and with it what has
   * happened since the newest stored one. `full`: stored whole, not as what has changed; `disk`: as a file too, for people and backups.
   */
  readonly kind?: 'memory' | 'full' | 'disk';
}

/** What became of a state that was saved. */
export interface SavedState {
  readonly checkpointId: string;
  /** `memory`: it is on no disk. One that was meant to be may still be stored, when the daemon has no room for it. */
  readonly kind: 'full' | 'incremental' | 'memory' | 'disk';
}

/** A component's line to its supervisor. Rejects with ClientError, or TypeError for what JSON cannot hold. */
export interface Connection {
  readonly component: string;
  /** The system comes back from a disaster: do the least that is needed. */
  readonly recoveryMode: boolean;
  /** What to continue from. To be called before the first checkpoint of a component that journals. */
  restore(): Promise<RestoredState>;
  /**
   * Stores a checkpoint; durable when resolved, unless it is of the kind `memory`. The state is read at the call; calls are stored in their order.
   * `through` is the last journal entry that the state contains: unless given, the newest one acknowledged so far,
   * which is right when each operation is applied as soon as its `journal` call resolves.
   */
  saveState(state: unknown, options?: SaveOptions): Promise<SavedState>;
  /**
   * Stores a checkpoint by what has changed since the one before: JSON Patch operations (RFC 6902), which cost as much
   * as they are long. They are read at the call and must hold all that has changed, journalled or not.
   * Rejects with CHECKPOINT_NOT_NEWEST or PATCH_REFUSED when there is nothing that they can be applied to: before the
   * first `saveState`, after a call that failed, and now and then else.
   * @param options.whole gives the present state; it is sent whole then, and nothing rejects for that reason.
   */
  patchState(
    operations: readonly object[],
    options?: { through?: number; whole?: () => unknown; schemaVersion?: number },
  ): Promise<SavedState>;
  /**
   * Stores an operation; durable when resolved. Calls of one turn travel together.
   * @param options.id to be stored once even if this call is made again, by a later life too.
   */
  journal(operation: string, data?: unknown, options?: { id?: string }): Promise<number>;
  /** Says that the component is alive. Not tried for long: a late heartbeat is worth nothing. */
  heartbeat(beat?: Beat): Promise<void>;
  /** Heartbeats from now on; they keep no process alive. @returns how to stop. */
  startHeartbeat(options: HeartbeatOptions): () => void;
  /**
   * Saves the state that `get` gives whenever the daemon asks for it, from now on; of several, the newest is asked.
   * When `get` throws, whoever wants the checkpoint is told why. Keeps no process alive.
   * @param options.onError hears what `get` threw, of an answer that the daemon did not take, and of a refusal after
   * which it is not asked any more. Must not throw.
   * @returns how to stop.
   */
  onGetState(get: () => PresentState | Promise<PresentState>, options?: HearOptions): () => void;
  /** Continues from the state that the daemon gives it, journal included, when a person or a recovery wants that. */
  onSetState(set: (restored: RestoredState) => void | Promise<void>, options?: HearOptions): () => void;
  /**
   * Takes part in consistent checkpoints over several components, together with `onGetState`: `pause` brings the program
   * to a point where all that it has begun with others is done, begins nothing more, and resolves with how to go on; it
   * goes on answering what others ask of it. From then on `journal` and `guard` wait here, its state is asked for, and
   * it goes on when all have saved theirs, when that was given up, or by itself when the time is over.
   * When `pause` throws, it is given up, and nothing has been stopped here. It is never called while it is still at
   * work for what was given up: the program goes on from that first.
   * @param options.answers for a program that journals on behalf of others, who cannot finish what they have begun
   * before it has: `journal` and `guard` do not wait before its state is asked for, which is when all have paused. What
   * it begins of its own accord, `pause` alone holds back then.
   */
  onPause(
    pause: (order: PauseOrder) => GoOn | void | Promise<GoOn | void>,
    options?: HearOptions & { answers?: boolean },
  ): () => void;
  /**
   * Leaves when the daemon wants it to: `leave` is called once, before any signal. The process then ends by itself
   * (its code is `process.exitCode`, or 1 when `leave` threw) once what is under way here has been sent, unless
   * `exit` is false; then it has to end before the deadline, or it gets the signal. A logical component (`child`)
   * never ends the process: it is stopped when `leave` is done.
   */
  onShutdown(
    leave: (order: ShutdownOrder) => void | Promise<void>,
    options?: HearOptions & { exit?: boolean },
  ): () => void;
  /** Begins anew, or for the first time after a stop: what a logical component does in place of a new process. */
  onRestart(restart: () => void | Promise<void>, options?: HearOptions): () => void;
  /** Reads its configuration again, without an end. */
  onReload(reload: () => void | Promise<void>, options?: HearOptions): () => void;
  /** Hears at the beginning of each breaker that is not closed, and of each change. */
  onBreaker(hear: (news: BreakerNews) => void, options?: HearOptions): () => void;
  /**
   * Hears at the beginning how much is given up and which features are off, and each change. All who listen do. Most
   * programs want `features`.
   */
  onDegradation(hear: (news: DegradationNews) => void, options?: HearOptions): () => void;
  /**
   * Which features are on, from now on. Keeps no process alive.
   * @param options.onChange hears how it is when the daemon says it first, and each change.
   */
  features(options?: HearOptions & { readonly onChange?: (news: DegradationNews) => void }): Features;
  /**
   * Asks before a call whether the dependency's breaker lets it through. Not tried for long: rejects with DAEMON_AWAY
   * within two seconds, and with BREAKER_NOT_FOUND when the configuration has no such breaker.
   */
  permit(dependency: string): Promise<Permit>;
  /**
   * Tells how calls have ended, oldest first, at most 1,000; soon, because a result that comes late counts for nothing.
   * Not tried for long either. @returns the dependencies that no breaker is configured for.
   */
  reportOutcomes(outcomes: readonly CallOutcome[]): Promise<readonly string[]>;
  /**
   * Tells what went wrong so badly that the component is about to end: type, message and stack are in the crash report.
   * Of a logical component it is the crash. Not tried for longer than two seconds.
   */
  reportCrash(thrown: unknown): Promise<void>;
  /**
   * From now on uncaught exceptions and unhandled rejections are printed, told with `reportCrash`, and end the process
   * with 1, two seconds later at most. For the component whose process it is. @returns how to undo it.
   */
  installCrashHandler(): () => void;
  /**
   * The line of a logical component (`parent: NAME`) that lives in this process. Closed by itself. Its state has a shape
   * of its own.
   */
  child(component: string, shape?: Pick<ConnectOptions, 'schemaVersion' | 'migrations'>): Connection;
  /**
   * Makes a call if the dependency's breaker lets it through, and tells how it ended. Rejects with what `call` rejects
   * with; with BREAKER_OPEN when it is not permitted and there is no fallback; with BREAKER_NOT_FOUND when the
   * configuration has no such breaker. While the daemon is away the call is made.
   */
  guard<T>(dependency: string, call: () => T | Promise<T>, options?: GuardOptions<T>): Promise<T>;
  /** What was not told to the daemon so far and never will be. Journal entries are never among it: `journal` rejects. */
  readonly dropped: Dropped;
  /** Stops heartbeats and listening, waits for what is under way and hangs up. */
  close(): Promise<void>;
}

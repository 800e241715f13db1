import type { AskedKind, Body, Saved, StateStore } from '../checkpoints/index.ts';
import type { Clock } from '../clock.ts';
import { randomHex } from '../digest.ts';
import { failure, sentenceOf } from '../errors.ts';
import type { CheckpointTrigger, CommandKind, ComponentName } from '../model/index.ts';
import { formatDuration } from '../units.ts';
import { CommandLines, type Command, type CommandLine } from './command-lines.ts';

/** What a component continues from, as `GET state` gives it. */
export type GivenState = Awaited<ReturnType<StateStore['getState']>>;

/** Told, and answered with one word: done, or why not. */
export type Order = 'shutdown' | 'restart' | 'reload' | 'pause' | 'resume';

/** A state that is saved together with those of others. */
export interface PartOf {
  readonly barrier: string;
  /** Nobody waits for it any more. */
  readonly signal: AbortSignal;
}

/**
 * What components are told, and what they answer. A component holds one line or several (one for each part of it that
 * listens): a command goes to the newest that listens for its kind, an announcement to all. One not yet answered goes
 * again to whichever line becomes the newest, so a component may hear it twice; it is answered once. All ends with the
 * component's life.
 *
 * Whoever waits is told with ACTION_FAILED when the component does not listen for it, cannot, ends, or does not answer
 * in time.
 */
export interface Commands {
  /** The current life of a component listens from now on. @returns how to hang up. */
  listen(component: ComponentName, line: CommandLine): () => void;
  hears(component: ComponentName, kind: CommandKind): boolean;
  /**
   * Makes a component save its state; a request that comes while one waits for the same component joins it, and what is
   * kept then is kept as the more demanding of the two wants it. One that is part of something joins none: an answer
   * that is under way may be of before that. Resolves when it is kept.
   */
  saveState(
    component: ComponentName,
    trigger: CheckpointTrigger,
    timeoutMs: number,
    kind?: AskedKind,
    part?: PartOf,
  ): Promise<Saved>;
  /**
   * Has a living component continue from another state, which it fetches. Resolves true when it does; false when it
   * has fetched it and did not say in time whether it took it.
   * @param give reads it when the component asks for it, so that nothing is missing that was journalled until then.
   */
  setState(
    component: ComponentName,
    checkpoint: GivenState['checkpoint_id'],
    give: () => Promise<GivenState>,
    timeoutMs: number,
  ): Promise<boolean>;
  /**
   * Gives an order; one that comes while the same waits joins it. Resolves when the component has taken it. `resume` is
   * told too when it listens a moment later.
   * @param signal aborted when nobody wants it any more.
   */
  order(
    component: ComponentName,
    order: Order,
    data: Readonly<Record<string, unknown>>,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<void>;
  /** Tells all who listen for it; nobody answers. */
  announce(kind: CommandKind, data: Readonly<Record<string, unknown>>): void;
  /** What a command that waits for its answer is. @throws COMMAND_NOT_FOUND */
  kindOf(component: ComponentName, id: string): CommandKind;
  /** What belongs to a `set_state`. Rejects with COMMAND_NOT_FOUND, and with what the store rejects with. */
  stateFor(component: ComponentName, id: string): Promise<GivenState>;
  /**
   * The answer to `get_state`.
   * @param body as of `PUT state`: unparsed.
   * @throws COMMAND_NOT_FOUND when nobody waits for it; rejects with what the store rejects with.
   */
  answer(component: ComponentName, id: string, body: Body): ReturnType<StateStore['putState']>;
  /** The answer to any other. @throws COMMAND_NOT_FOUND */
  done(component: ComponentName, id: string): void;
  /** A component cannot do what it was told. @throws COMMAND_NOT_FOUND */
  decline(component: ComponentName, id: string, why: string): void;
}

export interface CommandsDeps {
  readonly clock: Clock;
  readonly putState: StateStore['putState'];
  /** Aborted when the current life of a component is over; undefined: it does not run. */
  readonly lifeOf: (component: ComponentName) => AbortSignal | undefined;
  /** A component begins to listen for these. */
  readonly onListen?: (component: ComponentName, kinds: ReadonlySet<CommandKind>) => void;
  /** What a line that begins to listen for announcements of this kind must know. */
  readonly known?: (kind: CommandKind) => readonly Command['data'][];
}

type Answered = Saved | 'done' | 'unknown';

interface Waiting {
  readonly command: Command;
  readonly answered: PromiseWithResolvers<Answered>;
  readonly trigger: CheckpointTrigger;
  kind: AskedKind | undefined;
  readonly give: (() => Promise<GivenState>) | undefined;
  /** It has asked for what belongs to it. */
  isGiven: boolean;
  /** Nobody waits for it any more. */
  readonly forget: () => void;
}

interface Asked {
  readonly kind: CommandKind;
  readonly timeoutMs: number;
  readonly data?: Command['data'];
  readonly trigger?: CheckpointTrigger;
  readonly keep?: AskedKind | undefined;
  readonly give?: () => Promise<GivenState>;
  readonly signal?: AbortSignal | undefined;
}

/** What was wanted of the component, and how a program listens for it. */
const asked: Readonly<Record<CommandKind, readonly [action: string, method: string]>> = {
  get_state: ['checkpoint', 'onGetState'],
  set_state: ['recover', 'onSetState'],
  pause: ['checkpoint', 'onPause'],
  resume: ['checkpoint', 'onPause'],
  shutdown: ['stop', 'onShutdown'],
  restart: ['restart', 'onRestart'],
  reload: ['reload', 'onReload'],
  breaker: ['breaker', 'onBreaker'],
  degradation: ['degradation', 'onDegradation'],
};

/** From what is lost with the daemon to what people find as a file. */
const byDemand: readonly (AskedKind | undefined)[] = ['memory', undefined, 'full', 'disk'];

const moreDemanding = (one: AskedKind | undefined, other: AskedKind | undefined): AskedKind | undefined =>
  byDemand.indexOf(one) < byDemand.indexOf(other) ? other : one;

export function createCommands({ clock, putState, lifeOf, onListen, known = () => [] }: CommandsDeps): Commands {
  /** One of each kind at most. */
  const waiting = new Map<ComponentName, Map<CommandKind, Waiting>>();
  const lines = new CommandLines({
    lifeOf,
    onNewest(component, kinds) {
      for (const { command } of waiting.get(component)?.values() ?? [])
        if (kinds.has(command.kind)) send(component, command);
    },
  });
  const send = (component: ComponentName, command: Command) => lines.newest(component, command.kind)?.send(command);
  const failed = (component: ComponentName, kind: CommandKind, why: string, cause?: unknown) =>
    failure('ACTION_FAILED', { action: asked[kind][0], component, why }, { cause });

  function tell(
    component: ComponentName,
    { kind, timeoutMs, data = {}, trigger = 'manual', keep, give, signal }: Asked,
  ): Waiting {
    const life = lifeOf(component);
    const answered = Promise.withResolvers<Answered>();
    const giveUp = (why: string) => {
      forget();
      answered.reject(failed(component, kind, why));
    };
    const over = () => giveUp('it ended before it answered');
    const late = () => {
      if (!told.isGiven)
        return giveUp(`it did not answer within ${formatDuration(timeoutMs)}: it hangs, or needs a longer timeout`);
      forget();
      answered.resolve('unknown');
    };
    const cancel = clock.after(timeoutMs, late);
    const unwanted = () => giveUp('it is not wanted any more');
    life?.addEventListener('abort', over);
    signal?.addEventListener('abort', unwanted);
    const own = waiting.get(component) ?? new Map<CommandKind, Waiting>();
    const forget = () => {
      cancel();
      life?.removeEventListener('abort', over);
      signal?.removeEventListener('abort', unwanted);
      own.delete(kind);
      if (own.size === 0) waiting.delete(component);
    };
    const command: Command = { kind, id: randomHex(8), data };
    const told: Waiting = { command, answered, trigger, kind: keep, give, isGiven: false, forget };
    waiting.set(component, own.set(kind, told));
    send(component, command);
    return told;
  }

  /** Joins the one of the same kind that waits, if there is one. */
  async function ask(component: ComponentName, what: Asked): Promise<Answered> {
    const { kind } = what;
    if (what.signal?.aborted) throw failed(component, kind, 'it is not wanted any more');
    const known = waiting.get(component)?.get(kind);
    if (known) {
      known.kind = moreDemanding(known.kind, what.keep);
      return known.answered.promise;
    }
    // One that has lost its line for a moment must not stay paused for it.
    if (kind !== 'resume' && !lines.newest(component, kind))
      throw failed(
        component,
        kind,
        `it does not listen for commands; a program does with ${asked[kind][1]} of paramedic/client, or by holding GET /component/v1/commands?kinds=${kind} open`,
      );
    return tell(component, what).answered.promise;
  }

  /** @throws COMMAND_NOT_FOUND */
  function find(component: ComponentName, id: string): Waiting {
    for (const told of waiting.get(component)?.values() ?? []) if (told.command.id === id) return told;
    throw failure('COMMAND_NOT_FOUND', { command: id, component });
  }

  /** @throws COMMAND_NOT_FOUND */
  function take(component: ComponentName, id: string): Waiting {
    const told = find(component, id);
    told.forget();
    return told;
  }

  return {
    listen(component, line) {
      const hangUp = lines.add(component, line);
      for (const kind of line.kinds) for (const data of known(kind)) line.send({ kind, id: randomHex(8), data });
      onListen?.(component, line.kinds);
      return hangUp;
    },
    hears: (component, kind) => lines.newest(component, kind) !== undefined,

    async saveState(component, trigger, timeoutMs, keep, part) {
      const until = clock.monotonic() + timeoutMs;
      const older = () => waiting.get(component)?.get('get_state')?.answered.promise;
      if (part) for (let known = older(); known && !part.signal.aborted; known = older()) await known.catch(() => {});
      // What it has waited for them is part of its time.
      const leftMs = Math.max(1, until - clock.monotonic());
      const data = part ? { barrier: part.barrier } : {};
      const what = { kind: 'get_state', data, trigger, timeoutMs: leftMs, keep, signal: part?.signal } as const;
      return (await ask(component, what)) as Saved;
    },

    async setState(component, checkpoint_id, give, timeoutMs) {
      const older = waiting.get(component)?.get('set_state');
      older?.forget();
      older?.answered.reject(failed(component, 'set_state', 'it was given another state meanwhile'));
      return (await ask(component, { kind: 'set_state', data: { checkpoint_id }, give, timeoutMs })) === 'done';
    },

    async order(component, kind, data, timeoutMs, signal) {
      await ask(component, { kind, data, timeoutMs, signal });
    },

    announce(kind, data) {
      const command: Command = { kind, id: randomHex(8), data };
      for (const line of lines.all(kind)) line.send(command);
    },

    kindOf: (component, id) => find(component, id).command.kind,

    async stateFor(component, id) {
      const told = find(component, id);
      if (!told.give) throw failure('COMMAND_NOT_FOUND', { command: id, component });
      told.isGiven = true;
      return told.give();
    },

    async answer(component, id, body) {
      const { trigger, kind, answered } = take(component, id);
      try {
        const stored = await putState(component, body, trigger, kind);
        answered.resolve(stored);
        return stored;
      } catch (error) {
        const why = `its answer was not stored: ${sentenceOf(error)}`;
        answered.reject(failed(component, 'get_state', why, error));
        throw error;
      }
    },

    done: (component, id) => take(component, id).answered.resolve('done'),

    decline(component, id, why) {
      const { answered, command } = take(component, id);
      answered.reject(failed(component, command.kind, `it answered: ${why}`));
    },
  };
}

import { systemClock, type Clock } from '../clock.ts';
import { outcomesBody, readPermit, type CallOutcome, type Permit } from './breakers.ts';
import { ClientError } from './client-error.ts';
import { listenForCommands } from './commands.ts';
import { startHeartbeat, type Beat, type HeartbeatOptions } from './heartbeat.ts';
import { createJournalQueue } from './journal-queue.ts';
import { createTransport } from './transport.ts';

export interface ConnectOptions {
  /** `PARAMEDIC_URL` unless given. */
  readonly url?: string;
  /** `PARAMEDIC_TOKEN` unless given. */
  readonly token?: string;
  /** `PARAMEDIC_COMPONENT` unless given; another name is a logical child of this component. */
  readonly component?: string;
  /** How long a call is tried while the daemon is away, in ms. Default 30,000. */
  readonly deadlineMs?: number;
  /** Journal entries that may wait; beyond it `journal` rejects at once. Default 1,000. */
  readonly queueLimit?: number;
  readonly clock?: Clock;
}

export interface JournalledOperation {
  readonly entryId: number;
  /** When it was stored, ms since 1970. */
  readonly at: number;
  readonly operation: string;
  readonly data: unknown;
}

export interface RestoredState {
  /** null at a first start. */
  readonly checkpointId: string | null;
  readonly state: unknown;
  readonly schemaVersion: number;
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

/** A component's line to its supervisor. Rejects with ClientError, or TypeError for what JSON cannot hold. */
export interface Connection {
  readonly component: string;
  /** The system comes back from a disaster: do the least that is needed. */
  readonly recoveryMode: boolean;
  /** What to continue from. To be called before the first checkpoint of a component that journals. */
  restore(): Promise<RestoredState>;
  /**
   * Stores a checkpoint; durable when resolved. The state is read at the call; calls are stored in their order.
   * `through` is the last journal entry that the state contains: unless given, the newest one acknowledged so far,
   * which is right when each operation is applied as soon as its `journal` call resolves.
   */
  saveState(state: unknown, options?: { through?: number; schemaVersion?: number }): Promise<{ checkpointId: string }>;
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
  onGetState(
    get: () => PresentState | Promise<PresentState>,
    options?: { onError?: (error: unknown) => void },
  ): () => void;
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
  /** Stops heartbeats and listening, waits for what is under way and hangs up. */
  close(): Promise<void>;
}

const HEARTBEAT_TIMEOUT_MS = 5_000;
/** Characters of the reason why there is no state: of any script, the daemon reads so many. */
const LONGEST_REASON = 500;
/** Nobody should wait longer for a word about a call than for the call. */
const BREAKER_DEADLINE_MS = 2_000;

/** Whether this process was started by Paramedic. */
export const isSupervised = (): boolean => process.env['PARAMEDIC_URL'] !== undefined;

/** @throws ClientError NOT_SUPERVISED when neither the options nor the environment say where the daemon is. */
export function connect(options: ConnectOptions = {}): Connection {
  const { PARAMEDIC_URL, PARAMEDIC_TOKEN, PARAMEDIC_COMPONENT, PARAMEDIC_RECOVERY_MODE } = process.env;
  const { clock = systemClock, deadlineMs = 30_000, queueLimit = 1_000 } = options;
  const url = need('url', options.url ?? PARAMEDIC_URL);
  const token = need('token', options.token ?? PARAMEDIC_TOKEN);
  const component = need('component', options.component ?? PARAMEDIC_COMPONENT);
  const onBehalfOf = component === PARAMEDIC_COMPONENT ? null : component;
  const transport = createTransport({ url, token, onBehalfOf, clock });

  const pending = new Set<Promise<unknown>>();
  const running = new Set<() => void>();
  let saved: Promise<unknown> = Promise.resolve();
  let closed = false;

  const call = (method: string, path: string, body?: string, since = clock.monotonic()) =>
    transport.call(method, path, body, since + deadlineMs);
  const entries = createJournalQueue({
    now: () => clock.monotonic(),
    limit: queueLimit,
    send: async (body, since) => ((await call('POST', 'journal', body, since)) as { entry_ids: number[] }).entry_ids,
  });

  /** Runs what is asked unless the line is closed, and lets `close` wait for it. */
  async function during<T>(run: () => Promise<T>): Promise<T> {
    if (closed) throw new ClientError('CLOSED', 'The connection to Paramedic has been closed.');
    const promise = run();
    pending.add(promise);
    try {
      return await promise;
    } finally {
      pending.delete(promise);
    }
  }

  async function restore(): Promise<RestoredState> {
    const answer = (await call('GET', 'state')) as StateAnswer;
    const journal = answer.journal.map(({ entry_id: entryId, ...rest }) => ({ entryId, ...rest }));
    entries.startAfter(answer.through ?? journal.at(-1)?.entryId ?? entries.last());
    return {
      checkpointId: answer.checkpoint_id,
      state: answer.state,
      schemaVersion: answer.schema_version,
      journal,
      dataLossSeconds: answer.data_loss_seconds,
    };
  }

  async function put(body: string, method = 'PUT', path = 'state'): Promise<{ checkpointId: string }> {
    const before = saved;
    const since = clock.monotonic();
    // An older state sent again must never arrive after a newer one.
    const sent = before.then(() => call(method, path, body, since));
    saved = sent.catch(() => {});
    return { checkpointId: ((await sent) as { checkpoint_id: string }).checkpoint_id };
  }

  /** Sends the state that was asked for, or why there is none. `close` waits for no `get`. */
  async function obey(id: string, get: () => PresentState | Promise<PresentState>): Promise<void> {
    const path = `commands/${id}`;
    // Entries acknowledged while `get` is at work may be missing from what it gives.
    const known = entries.last() ?? undefined;
    let body: string;
    try {
      const { state, schemaVersion, through = known } = await get();
      body = bodyOf(state, schemaVersion, through);
    } catch (error) {
      const reason = JSON.stringify({ error: String(error).slice(0, LONGEST_REASON) });
      await during(() => call('POST', path, reason));
      throw error;
    }
    await during(() => put(body, 'POST', path));
  }

  /** @returns how to stop it, which `close` does too. */
  function keep(stop: () => void): () => void {
    running.add(stop);
    return () => {
      running.delete(stop);
      stop();
    };
  }

  const send = async (beat: Beat): Promise<void> => {
    const attempt = () => transport.attempt('POST', 'heartbeat', JSON.stringify(beat), HEARTBEAT_TIMEOUT_MS);
    // A connection that was kept open may have been closed by the other side meanwhile: a new one tells.
    await attempt().catch((error: unknown) => (error instanceof ClientError ? Promise.reject(error) : attempt()));
  };

  const soon = (path: string, body: string) =>
    transport.call('POST', path, body, clock.monotonic() + BREAKER_DEADLINE_MS);

  return {
    component,
    recoveryMode: PARAMEDIC_RECOVERY_MODE === '1',
    restore: () => during(restore),
    saveState: (state, { through = entries.last() ?? undefined, schemaVersion } = {}) =>
      during(async () => put(bodyOf(state, schemaVersion, through))),
    journal(operation, data = null, { id } = {}) {
      if (closed) return Promise.reject(new ClientError('CLOSED', 'The connection to Paramedic has been closed.'));
      return entries.add(operation, data, id);
    },
    heartbeat: (beat = {}) => during(() => send(beat)),
    startHeartbeat: (heartbeat) => keep(startHeartbeat(heartbeat, (beat) => during(() => send(beat)), clock)),
    onGetState: (get, { onError = () => {} } = {}) =>
      keep(
        listenForCommands({
          open: () => transport.open('commands'),
          onCommand(kind, id) {
            if (kind === 'get_state') obey(id, get).catch(onError);
          },
          onRefused: onError,
          clock,
        }),
      ),
    permit: (dependency) =>
      during(async () => readPermit(await soon(`breakers/${encodeURIComponent(dependency)}/permit`, '{}'))),
    reportOutcomes: (outcomes) =>
      during(async () => ((await soon('outcomes', outcomesBody(outcomes))) as { unknown: string[] }).unknown),
    async close() {
      closed = true;
      for (const stop of running) stop();
      await Promise.allSettled([...pending, entries.drained()]);
      transport.close();
    },
  };
}

interface StateAnswer {
  readonly checkpoint_id: string | null;
  readonly state: unknown;
  readonly schema_version: number;
  readonly journal: readonly { entry_id: number; at: number; operation: string; data: unknown }[];
  readonly through?: number | null;
  readonly data_loss_seconds: number;
}

/** The body of a checkpoint, in the form that the daemon stores without writing it anew. */
function bodyOf(state: unknown, schemaVersion: number | undefined, through: number | undefined): string {
  const text = JSON.stringify(state) as string | undefined;
  if (text === undefined) throw new ClientError('USAGE', 'The state must be something that JSON can hold.');
  const version = schemaVersion === undefined ? '' : `,"schema_version":${schemaVersion}`;
  return `{"state":${text}${version}${through === undefined ? '' : `,"through":${through}`}}`;
}

function need(name: 'url' | 'token' | 'component', value: string | undefined): string {
  if (value !== undefined && value !== '') return value;
  const variable = `PARAMEDIC_${name.toUpperCase()}`;
  throw new ClientError(
    'NOT_SUPERVISED',
    `${variable} is not set: this process was not started by Paramedic. Give connect({ ${name} }), or ask isSupervised() first.`,
  );
}

import { setImmediate } from 'node:timers/promises';
import { systemClock } from '../clock.ts';
import { outcomesBody, readPermit } from './breakers.ts';
import { ClientError } from './client-error.ts';
import { crashBody, onUncaught } from './crash.ts';
import { createCommandLine } from './commands.ts';
import type { Connection, ConnectOptions } from './connection.ts';
import { createFeatures, createStandings } from './features.ts';
import { createOutcomes, guarded, type Dropped } from './guard.ts';
import { startHeartbeat, type Beat } from './heartbeat.ts';
import { createHold } from './hold.ts';
import { createJournalQueue } from './journal-queue.ts';
import { createOrders } from './orders.ts';
import { createMigrate } from './migrate.ts';
import { createState } from './state.ts';
import { createTransport } from './transport.ts';

const HEARTBEAT_TIMEOUT_MS = 5_000;
/** Nobody should wait longer for a word about a call than for the call, nor to die. */
const SOON_MS = 2_000;

/** Whether this process was started by Paramedic. */
export const isSupervised = (): boolean => process.env['PARAMEDIC_URL'] !== undefined;

/** @throws ClientError NOT_SUPERVISED when neither the options nor the environment say where the daemon is. */
export const connect = (options: ConnectOptions = {}): Connection => open(options, false);

function open(options: ConnectOptions, ofAnother: boolean): Connection {
  const { PARAMEDIC_URL, PARAMEDIC_TOKEN, PARAMEDIC_COMPONENT, PARAMEDIC_RECOVERY_MODE } = process.env;
  const { clock = systemClock, deadlineMs = 30_000, queueLimit = 1_000, onDrop = () => {}, schemaVersion } = options;
  const url = need('url', options.url ?? PARAMEDIC_URL);
  const token = need('token', options.token ?? PARAMEDIC_TOKEN);
  const component = need('component', options.component ?? PARAMEDIC_COMPONENT);
  const onBehalfOf = component === PARAMEDIC_COMPONENT ? null : component;
  const isChild = ofAnother || (onBehalfOf !== null && PARAMEDIC_COMPONENT !== undefined);
  const transport = createTransport({ url, token, onBehalfOf, clock });

  const pending = new Set<Promise<unknown>>();
  const beating = new Set<() => void>();
  let closed = false;

  const call = (method: string, path: string, body?: string, since = clock.monotonic()) =>
    transport.call(method, path, body, since + deadlineMs);
  const entries = createJournalQueue({
    now: () => clock.monotonic(),
    limit: queueLimit,
    schemaVersion,
    send: async (body, since) => ((await call('POST', 'journal', body, since)) as { entry_ids: number[] }).entry_ids,
  });
  const through = () => entries.last() ?? undefined;
  const migrate = createMigrate({ component, schemaVersion, migrations: options.migrations });
  const state = createState({ call, entries, migrate, schemaVersion, clock });
  const hold = createHold({
    clock,
    async settled() {
      await entries.drained();
      // Whoever awaited an entry has applied it by then.
      await setImmediate();
    },
  });
  const line = createCommandLine({ open: (kinds) => transport.open('commands', `kinds=${kinds.join()}`), clock });

  const standings = createStandings(line);

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

  const send = async ({ dirtySeconds: dirty_seconds, ...beat }: Beat): Promise<void> => {
    const isDirty = state.migrated() && beat.state !== 'urgent';
    const said = JSON.stringify({ ...beat, ...(isDirty && { state: 'dirty' }), dirty_seconds });
    const attempt = () => transport.attempt('POST', 'heartbeat', said, HEARTBEAT_TIMEOUT_MS);
    // A connection that was kept open may have been closed by the other side meanwhile: a new one tells.
    await attempt().catch((error: unknown) => (error instanceof ClientError ? Promise.reject(error) : attempt()));
  };

  const dropped = { heartbeats: 0, outcomes: 0 };
  const drop = (what: keyof Dropped, count: number, why: unknown): void => {
    dropped[what] += count;
    onDrop(what, count, why);
  };

  const soon = (path: string, body: string) => transport.call('POST', path, body, clock.monotonic() + SOON_MS);
  const reportCrash = (thrown: unknown) => during(async () => void (await soon('crash', crashBody(thrown))));

  const pathOfPermit = (dependency: string) => `breakers/${encodeURIComponent(dependency)}/permit`;
  const outcomes = createOutcomes({
    send: (list) => soon('outcomes', outcomesBody(list)),
    limit: queueLimit,
    onDrop: (count, why) => drop('outcomes', count, why),
  });
  const permitOnce = (dependency: string) =>
    during(async () => readPermit(await transport.attempt('POST', pathOfPermit(dependency), '{}', SOON_MS)));

  async function close(): Promise<void> {
    closed = true;
    for (const stop of beating) stop();
    line.close();
    await hold.release(null);
    await Promise.allSettled([...pending, entries.drained(), outcomes.drained()]);
    transport.close();
  }

  /** What was acknowledged is on disk; what is under way is waited for as long as there is time. */
  async function exit(code: number, withinMs: number): Promise<void> {
    setTimeout(() => process.exit(code), withinMs);
    await close();
    process.exit(code);
  }

  return {
    component,
    recoveryMode: PARAMEDIC_RECOVERY_MODE === '1',
    restore: () => during(state.restore),
    saveState: (present, { through: upTo = through(), schemaVersion: version, kind } = {}) =>
      during(async () => {
        const path = kind === undefined ? 'state' : `state?kind=${kind}`;
        return state.put(state.body(present, upTo, version), 'PUT', path);
      }),
    patchState: (operations, { through: upTo = through(), whole, schemaVersion: version } = {}) =>
      during(async () => {
        const all = whole && (() => state.body(whole(), through(), version));
        return state.patch(JSON.stringify(operations), upTo, all, version);
      }),
    journal(operation, data = null, { id } = {}) {
      if (closed) return Promise.reject(new ClientError('CLOSED', 'The connection to Paramedic has been closed.'));
      const unread = state.whyUnread();
      if (unread) return Promise.reject(unread);
      const add = () => entries.add(operation, data, id);
      return hold.over()?.then(add) ?? add();
    },
    heartbeat: (beat = {}) => during(() => send(beat)),
    startHeartbeat(heartbeat) {
      const onError = (error: unknown) => {
        if (!closed) drop('heartbeats', 1, error);
        heartbeat.onError?.(error);
      };
      const stop = startHeartbeat({ ...heartbeat, onError }, (beat) => during(() => send(beat)), clock);
      beating.add(stop);
      return () => {
        beating.delete(stop);
        stop();
      };
    },
    ...createOrders({
      line,
      state,
      hold,
      through,
      during,
      isChild,
      exit,
      answer: (id, body) => during(() => call('POST', `commands/${id}`, body)),
    }),
    onDegradation: (hear, { onError = () => {} } = {}) => standings.listen({ hear, onError }),
    features: ({ onChange: hear = () => {}, onError = () => {} } = {}) => createFeatures(standings, { hear, onError }),
    permit: (dependency) => during(async () => readPermit(await soon(pathOfPermit(dependency), '{}'))),
    reportOutcomes: (ended) =>
      during(async () => ((await soon('outcomes', outcomesBody(ended))) as { unknown: string[] }).unknown),
    guard(dependency, run, guarding = {}) {
      const call = () => guarded(dependency, run, guarding, { permit: permitOnce, tell: outcomes.add, clock });
      return hold.over()?.then(call) ?? call();
    },
    get dropped() {
      return { ...dropped };
    },
    reportCrash,
    installCrashHandler() {
      if (isChild) throw new ClientError('USAGE', `"${component}" has no process of its own: report its crashes.`);
      return onUncaught(reportCrash);
    },
    child: (name, shape = {}) =>
      open({ ...options, schemaVersion: undefined, migrations: undefined, ...shape, component: name }, true),
    close,
  };
}

function need(name: 'url' | 'token' | 'component', value: string | undefined): string {
  if (value !== undefined && value !== '') return value;
  const variable = `PARAMEDIC_${name.toUpperCase()}`;
  throw new ClientError(
    'NOT_SUPERVISED',
    `${variable} is not set: this process was not started by Paramedic. Give connect({ ${name} }), or ask isSupervised() first.`,
  );
}

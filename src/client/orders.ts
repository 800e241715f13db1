import type { CommandKind } from '../model/index.ts';
import type { createCommandLine, Told } from './commands.ts';
import type { BreakerNews, Connection, HearOptions } from './connection.ts';
import type { createHold } from './hold.ts';
import type { createState } from './state.ts';

export interface OrdersOptions {
  readonly line: ReturnType<typeof createCommandLine>;
  readonly state: ReturnType<typeof createState>;
  readonly hold: ReturnType<typeof createHold>;
  /** The newest entry that is known to be stored. */
  readonly through: () => number | undefined;
  /** Answers a command, and lets the end of the connection wait for it. */
  readonly answer: (id: string, body: string) => Promise<unknown>;
  /** Runs what is asked unless the connection is closed, and lets its end wait for it. */
  readonly during: <T>(run: () => Promise<T>) => Promise<T>;
  /** It lives in a process that is not its own. */
  readonly isChild: boolean;
  /** Ends the connection, and with it the process. */
  readonly exit: (code: number, withinMs: number) => Promise<void>;
}

/** Characters of the reason why something was not done: of any script, the daemon reads so many. */
const LONGEST_REASON = 500;
const DONE = '{}';

type Handlers = Pick<
  Connection,
  'onGetState' | 'onSetState' | 'onPause' | 'onShutdown' | 'onRestart' | 'onReload' | 'onBreaker'
>;

/** What the program does when it is told to, and how that is answered. */
export function createOrders({ line, state, hold, through, answer, during, isChild, exit }: OrdersOptions): Handlers {
  const hear = (kind: CommandKind, { onError = () => {} }: HearOptions, obey: (told: Told) => Promise<void>) =>
    line.hear(kind, { onCommand: (told) => void obey(told).catch(onError), onRefused: onError });

  /** Answers with what it gave, or with the reason why it could not. The end of the connection waits for no handler. */
  async function carryOut<T>(id: string, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      await answer(id, JSON.stringify({ error: String(error).slice(0, LONGEST_REASON) }));
      throw error;
    }
  }

  const whenDone =
    (run: (told: Told) => void | Promise<void>) =>
    async (told: Told): Promise<void> => {
      const done = await carryOut(told.id, async () => {
        await run(told);
        return DONE;
      });
      await answer(told.id, done);
    };

  return {
    onGetState: (get, options = {}) =>
      hear('get_state', options, async ({ id, data: { barrier } }) => {
        const body = await carryOut(id, async () => {
          state.requireRead();
          if (typeof barrier === 'string') await hold.take(barrier);
          // Entries acknowledged while `get` is at work may be missing from what it gives.
          const known = through();
          const present = await get();
          // As long as it could not go on, nothing that others know of is missing from it.
          if (typeof barrier === 'string') hold.requireHeld(barrier);
          return state.body(present.state, present.through ?? known, present.schemaVersion);
        });
        await during(() => state.put(body, 'POST', `commands/${id}`));
      }),
    onSetState: (set, options = {}) =>
      hear(
        'set_state',
        options,
        whenDone(async ({ id }) => {
          const given = await during(() => state.fetch(`commands/${id}`));
          try {
            await set(given);
          } catch (error) {
            state.disown();
            throw error;
          }
        }),
      ),
    onPause(pause, options = {}) {
      const { answers = false, onError = () => {} } = options;
      const paused = hear(
        'pause',
        options,
        whenDone(({ data }) => {
          const { barrier, hold_ms: holdMs } = data as { barrier: string; hold_ms: number };
          return hold.pause(barrier, holdMs, pause, { answers, onError });
        }),
      );
      const resumed = hear(
        'resume',
        options,
        whenDone(({ data }) => hold.release(String(data['barrier']))),
      );
      return () => {
        paused();
        resumed();
        void hold.release(null);
      };
    },
    onShutdown: (leave, { exit: ends = true, ...options } = {}) =>
      hear('shutdown', options, async (told) => {
        const { why, deadline_ms: deadlineMs } = told.data as { why: string; deadline_ms: number };
        const order = { why, deadlineMs };
        await hold.release(null);
        if (isChild) return whenDone(() => leave(order))(told);
        const begun = performance.now();
        await answer(told.id, DONE);
        const left = () => Math.max(0, deadlineMs - (performance.now() - begun));
        try {
          await leave(order);
        } catch (error) {
          if (ends) void exit(1, left());
          throw error;
        }
        if (ends) await exit(Number(process.exitCode ?? 0), left());
      }),
    onRestart: (restart, options = {}) =>
      hear(
        'restart',
        options,
        whenDone(() => restart()),
      ),
    onReload: (reload, options = {}) =>
      hear(
        'reload',
        options,
        whenDone(() => reload()),
      ),
    onBreaker: (news, options = {}) =>
      hear('breaker', options, async ({ data }) => {
        const { breaker, state: now, wait_ms: waitMs } = data as unknown as { wait_ms: number } & BreakerNews;
        news({ breaker, state: now, waitMs });
      }),
  };
}

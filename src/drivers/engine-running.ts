import type { Clock } from '../clock.ts';
import type { ComponentName, EngineIdentity, EngineVerdict, Exit, ProcessUsage } from '../model/index.ts';
import type { Running } from './driver.ts';
import type { Engine, SeenRunning } from './engine.ts';

/** How often it is looked at while its end is awaited. */
const LOOK_EVERY_MS_IN_A_HURRY = 100;
/** Time that the engine has to end what it was told to kill, and to give the output of what has ended. */
const AFTER_KILL_MS = 10_000;
const OUTPUT_MS = 2_000;
/** A reading of usage is asked for again when it is this old. */
const USAGE_AGE_MS = 4_000;

const NOT_TOLD: Exit = { code: null, signal: null };

export interface EngineRun {
  readonly engine: Engine;
  readonly component: ComponentName;
  readonly identity: EngineIdentity;
  /** Null: the engine could not be asked. */
  readonly seen: SeenRunning | null;
  readonly adopted: boolean;
  /** Nobody looks after it any more. */
  readonly closed: AbortSignal;
}

/**
 * Keeps one run of an engine: looks again and again whether it is still the same. While the engine cannot be asked it
 * counts as running, for nobody has said otherwise; that is told once.
 */
export function createEngineRunning(
  run: EngineRun,
  deps: { readonly clock: Clock; readonly onProblem: (what: string, error: unknown) => void },
): Running {
  const { engine, component, identity, closed } = run;
  const { clock, onProblem } = deps;
  const { promise: exited, resolve } = Promise.withResolvers<Exit>();
  const about = `"${component}" (${identity.engine} ${identity.name})`;
  let { seen } = run;
  let ended: { readonly exit: Exit; readonly verdict: EngineVerdict | null } | null = null;
  let looking: Promise<void> | null = null;
  let cancel = () => {};
  let hurried = false;
  let away = false;
  let forced = false;
  let output = { stdout: '', stderr: '' };
  let stopping: ReturnType<Running['stop']> | null = null;
  let killing: Promise<void> | null = null;
  let usage: ProcessUsage | null = null;
  let usageAt = -Infinity;

  const end = async (exit: Exit, verdict: EngineVerdict | null) => {
    if (ended) return;
    ended = { exit, verdict };
    letGo();
    if (engine.readOutput) {
      const read = engine.readOutput().then((told) => void (output = told));
      await within(
        OUTPUT_MS,
        read.catch(() => undefined),
      );
    }
    resolve(exit);
  };

  const lookNow = async () => {
    try {
      const now = await engine.look();
      if (away) onProblem(about, new Error('can be looked after again'));
      away = false;
      if (now.is === 'ended') return await end(now.exit, now.verdict);
      // Somebody else has started it anew meanwhile: the run that we know has ended, nobody knows how.
      if (identity.run !== null && now.run !== identity.run) return await end(NOT_TOLD, null);
      seen = now;
    } catch (error) {
      if (!away) onProblem(`${about} cannot be looked after, and counts as running`, error);
      away = true;
    }
  };

  /** Never rejects. */
  const look = (): Promise<void> =>
    (looking ??= lookNow().finally(() => {
      looking = null;
      schedule();
    }));

  const schedule = () => {
    cancel();
    if (ended || closed.aborted) return;
    cancel = clock.after(hurried ? LOOK_EVERY_MS_IN_A_HURRY : engine.everyMs, () => void look());
  };

  const hurry = () => {
    hurried = true;
    void look();
  };

  /** @returns false when the time is up first. */
  const within = async (ms: number, event: Promise<unknown>): Promise<boolean> => {
    const patience = new AbortController();
    const late = clock.sleep(ms, patience.signal).then(
      () => false,
      () => true,
    );
    const inTime = await Promise.race([event.then(() => true), late]);
    patience.abort();
    return inTime;
  };

  const kill = () =>
    (killing ??= (async () => {
      if (ended) return;
      forced = true;
      try {
        await engine.kill();
        hurry();
        await look();
        if (!away && (await within(AFTER_KILL_MS, exited))) return;
        onProblem(`${about} was killed, but is not known to have ended: it may still run`, null);
      } catch (error) {
        onProblem(`${about} could not be killed, and may still run`, error);
      }
      // Whoever waits for its end must not wait for ever.
      await end(NOT_TOLD, null);
    })());

  const stop: Running['stop'] = async (policy, next = 'stop') => {
    const deadline = clock.monotonic() + policy.timeout;
    try {
      if (!ended) await engine.stop(policy, next);
    } catch (error) {
      onProblem(`${about} did not take the ${next}`, error);
    }
    // What is replaced without a gap has ended for us when it was asked: it is not killed because nobody could be asked.
    if (next === 'restart' && engine.replaces) await end({ code: 0, signal: null }, null);
    if (!ended) hurry();
    if (!(await within(Math.max(0, deadline - clock.monotonic()), exited))) await kill();
    return { exit: await exited, forced };
  };

  const stopListening = engine.listen?.(() => void look());
  const letGo = (): void => {
    cancel();
    stopListening?.();
    closed.removeEventListener('abort', letGo);
  };
  closed.addEventListener('abort', letGo);
  if (seen) schedule();
  else void look();

  return {
    get process() {
      return seen?.process ?? null;
    },
    engine: identity,
    adopted: run.adopted,
    exited,
    stop: (policy, next) => (stopping ??= stop(policy, next)),
    async kill() {
      await kill();
      return exited;
    },
    usage() {
      if (ended) return null;
      if (engine.usage && clock.monotonic() - usageAt >= USAGE_AGE_MS) {
        usageAt = clock.monotonic();
        void engine.usage().then(
          (now) => (usage = now),
          () => (usage = null),
        );
      }
      return usage;
    },
    outputTail: (stream, bytes) =>
      engine.outputTail?.(stream, bytes) ?? Buffer.from(output[stream]).subarray(-bytes).toString(),
    verdict: () => ended?.verdict ?? null,
    health: () => (ended || away ? null : (seen?.health ?? null)),
  };
}

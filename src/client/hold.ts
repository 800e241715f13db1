import type { Clock } from '../clock.ts';

/** Told to pause. */
export interface PauseOrder {
  /** After this the program goes on by itself, whatever becomes of the daemon, ms. */
  readonly deadlineMs: number;
}
/** What the program does when it may go on. */
export type GoOn = () => void;

interface Paused {
  readonly barrier: string;
  readonly over: PromiseWithResolvers<void>;
  readonly cancel: () => void;
  /** The program has said that it begins nothing more. */
  isHeld: boolean;
  /** Nothing is journalled any more, on behalf of others neither. */
  isShut: boolean;
  goOn: GoOn | void;
  readonly onError: (error: unknown) => void;
}

export interface HoldOptions {
  readonly clock: Clock;
  /** Resolves when what was journalled is acknowledged, and applied. */
  readonly settled: () => Promise<void>;
}

/** A consistent checkpoint over several components is being taken: this one begins nothing, for so long at most. */
export function createHold({ clock, settled }: HoldOptions) {
  let paused: Paused | null = null;
  /** What the program does to pause, until it has, or goes on because that was too late. It does so one at a time. */
  let pausing: Promise<void> = Promise.resolve();

  /** @param barrier null: whichever it is. */
  async function release(barrier: string | null): Promise<void> {
    const one = paused;
    if (!one || (barrier !== null && one.barrier !== barrier)) return;
    paused = null;
    one.cancel();
    one.over.resolve();
    // What has waited comes before what the program does now.
    await one.over.promise;
    proceed(one.goOn, one.onError);
  }

  /** @throws what `pause` throws; when it was too late, and it goes on. */
  async function pauseFor(
    one: Paused,
    pause: () => GoOn | void | Promise<GoOn | void>,
    answers: boolean,
  ): Promise<void> {
    const goOn = await pause();
    if (paused !== one) {
      proceed(goOn, one.onError);
      throw new Error(TOO_LATE);
    }
    one.goOn = goOn;
    one.isHeld = true;
    one.isShut = !answers;
  }

  /** @throws when it may have gone on since. */
  function requireHeld(barrier: string): Paused {
    if (paused?.isHeld && paused.barrier === barrier) return paused;
    throw new Error(NOT_PAUSED);
  }

  return {
    release,
    requireHeld,

    /** Resolves when something may be begun; undefined: it may be at once. */
    over: (): Promise<void> | undefined => (paused?.isShut ? paused.over.promise : undefined),

    /** Its state of now is wanted. Resolves when all that it has journalled is in it. @throws when it is not paused. */
    async take(barrier: string): Promise<void> {
      requireHeld(barrier).isShut = true;
      await settled();
    },

    /**
     * Resolves when nothing is under way any more.
     * @param answers what it journals for others goes on until its state is taken.
     * @param onError hears what the program threw when it went on.
     */
    async pause(
      barrier: string,
      holdMs: number,
      pause: (order: PauseOrder) => GoOn | void | Promise<GoOn | void>,
      { answers, onError }: { readonly answers: boolean; readonly onError: (error: unknown) => void },
    ): Promise<void> {
      const until = clock.monotonic() + holdMs;
      await release(null);
      // A program that begins nothing has nothing else that keeps it alive.
      const awake = new AbortController();
      const cancel = () => awake.abort();
      void clock.sleep(holdMs, awake.signal).then(
        () => release(barrier),
        () => {},
      );
      const isYet = { isHeld: false, isShut: false, goOn: undefined };
      const one: Paused = { barrier, over: Promise.withResolvers(), cancel, ...isYet, onError };
      paused = one;
      try {
        // What was given up may still be pausing: it would go on while this one counts as paused. That takes of our time.
        await pausing;
        if (paused !== one) throw new Error(TOO_LATE);
        const deadlineMs = Math.max(0, until - clock.monotonic());
        const begun = pauseFor(one, () => pause({ deadlineMs }), answers);
        pausing = begun.catch(() => {});
        await begun;
        if (one.isShut) await settled();
        if (paused !== one) throw new Error(TOO_LATE);
      } catch (error) {
        // One that could not pause has not stopped anything.
        if (paused === one) await release(barrier);
        throw error;
      }
    },
  };
}

function proceed(goOn: GoOn | void, onError: (error: unknown) => void): void {
  try {
    goOn?.();
  } catch (error) {
    onError(error);
  }
}

const NOT_PAUSED = 'it is not paused any more';
const TOO_LATE = 'it was paused too late, and goes on';

import type { Clock } from '../clock.ts';
import type { Exit, ProcessIdentity } from '../model/index.ts';
import { groupGone, killGroup } from './group.ts';
import { presence } from './proc.ts';

const LOOK_EVERY_MS = 100;
const LOOK_EVERY_MS_IN_A_HURRY = 20;

interface Watched {
  readonly identity: ProcessIdentity;
  readonly settle: (exit: Exit) => void;
  hurried: boolean;
}

/**
 * Looks after processes that are nobody's children any more: one timer for all of them. How they ended is not told
 * to anybody but init, so that their exits are empty.
 */
export interface AdoptedWatch {
  /** @returns how its end is learnt, and how to learn of it sooner (20 instead of 100 ms). */
  watch(identity: ProcessIdentity): { readonly exited: Promise<Exit>; readonly hurry: () => void };
  close(): void;
}

export function createAdoptedWatch(clock: Clock): AdoptedWatch {
  const watched = new Set<Watched>();
  let stopTimer: (() => void) | null = null;
  let closed = false;

  const end = async ({ identity, settle }: Watched, reused: boolean) => {
    // A group has the pid of its leader: one that led none has none to end. While one member lives its number is
    // given to no other process: reused means that nothing is left.
    if (!reused && killGroup(identity.pid)) await groupGone(identity.pid, clock);
    settle({ code: null, signal: null });
  };

  const schedule = () => {
    stopTimer?.();
    stopTimer = null;
    if (closed || watched.size === 0) return;
    const hurried = [...watched].some((entry) => entry.hurried);
    stopTimer = clock.after(hurried ? LOOK_EVERY_MS_IN_A_HURRY : LOOK_EVERY_MS, look);
  };

  const look = () => {
    for (const entry of watched) {
      const now = presence(entry.identity);
      if (now === 'alive') continue;
      watched.delete(entry);
      void end(entry, now === 'reused');
    }
    schedule();
  };

  return {
    watch(identity) {
      const { promise, resolve } = Promise.withResolvers<Exit>();
      const entry = { identity, settle: resolve, hurried: false };
      watched.add(entry);
      if (stopTimer === null) schedule();
      return {
        exited: promise,
        hurry() {
          if (entry.hurried || !watched.has(entry)) return;
          entry.hurried = true;
          schedule();
        },
      };
    },
    close() {
      closed = true;
      stopTimer?.();
      stopTimer = null;
    },
  };
}

import type { Clock } from '../clock.ts';

const WINDOW_S = 60;

/** How the calls of the last minute ended, of whichever component. */
export interface ErrorShare {
  add(outcomes: readonly { readonly ok: boolean }[]): void;
  /** The share that failed; null: there were fewer than `minimum`. */
  of(minimum: number): number | null;
}

/** Counted by the second, so that it stays small however many calls there are. */
export function createErrorShare(clock: Pick<Clock, 'monotonic'>): ErrorShare {
  let seconds: { readonly second: number; calls: number; failed: number }[] = [];
  const now = () => Math.floor(clock.monotonic() / 1_000);

  return {
    add(outcomes) {
      const second = now();
      let newest = seconds.at(-1);
      if (newest?.second !== second) {
        newest = { second, calls: 0, failed: 0 };
        seconds = [...seconds.filter((one) => one.second > second - WINDOW_S), newest];
      }
      for (const { ok } of outcomes) {
        newest.calls++;
        if (!ok) newest.failed++;
      }
    },
    of(minimum) {
      const recent = seconds.filter(({ second }) => second > now() - WINDOW_S);
      const calls = recent.reduce((sum, one) => sum + one.calls, 0);
      const failed = recent.reduce((sum, one) => sum + one.failed, 0);
      return calls < minimum ? null : failed / calls;
    },
  };
}

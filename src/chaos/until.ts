import type { Clock } from '../clock.ts';
import type { Listener } from '../model/index.ts';

export interface UntilDeps {
  readonly clock: Clock;
  /** @returns how to stop hearing. */
  readonly subscribe: (listener: Listener) => () => void;
  readonly signal: AbortSignal;
}

/** Resolves once `done` holds, which is asked now and after each event; after `ms`; or when called off. */
export function until(done: () => boolean, ms: number, { clock, subscribe, signal }: UntilDeps): Promise<void> {
  if (ms <= 0 || signal.aborted || done()) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      cancel();
      unsubscribe();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const cancel = clock.after(ms, end);
    const unsubscribe = subscribe(() => {
      if (done()) end();
    });
    signal.addEventListener('abort', end);
  });
}

import { Worker } from 'node:worker_threads';

/** Its file in source and, compiled, in `dist`. */
export const stateThread = new URL(
  import.meta.url.endsWith('.ts') ? './state-thread.ts' : './state-thread.js',
  import.meta.url,
);

export interface ThreadAhead {
  readonly thread: Worker;
  /** Resolves once all that it needs is loaded. Never rejects: whoever needs it then starts another, and hears why. */
  readonly loaded: Promise<void>;
}

/**
 * Starts the state thread before it is known which file it is to open: to load it takes as long as to load everything
 * else, and a machine has two cores. Keeps no process alive until it is made use of.
 */
export function startStateThread(): ThreadAhead {
  const thread = new Worker(stateThread, { workerData: null });
  thread.unref();
  const loaded = new Promise<void>((resolve) => {
    thread.once('message', () => resolve());
    thread.on('error', () => resolve());
    thread.once('exit', () => resolve());
  });
  return { thread, loaded };
}

import type { Clock } from '../clock.ts';

const BEAT_MS = 1_000;

/** Counts in shared memory that the main thread runs; another thread looks. */
export function createMainBeats(clock: Clock) {
  const shared = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const count = new Int32Array(shared);
  const beat = (): void => void Atomics.add(count, 0, 1);
  return {
    shared,
    /** From here on it counts; a boot may take its time. @returns how to end it: nobody is then watched any more. */
    begin(): () => void {
      beat();
      const cancel = clock.every(BEAT_MS, beat);
      return () => {
        cancel();
        Atomics.store(count, 0, 0);
      };
    },
  };
}

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Until then whatever a start has begun is done: components are ready or on their way. */
const SETTLED_MS = 5_000;

/**
 * V8 is told that this process waits most of its life, before much is loaded: new objects get 1 MiB instead of up to
 * 16, old ones are looked through sooner, and code is made small. The optimizing compilers are called in ten times
 * later: to wake one for the start of fifty components costs 5 MiB and gains nothing. Holds for the threads that are
 * started later, too.
 */
export function stayFrugal(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--optimize-for-size');
  // An older V8 would complain to the terminal of a flag that it does not know.
  if (Number.parseInt(process.versions.v8, 10) < 13) return;
  setFlagsFromString('--invocation-count-for-maglev=4000');
  setFlagsFromString('--invocation-count-for-turbofan=30000');
}

/**
 * What only the start has needed goes once it is over: otherwise it would stay for hours, because hardly anything is
 * allocated that makes V8 look. Takes some 40 ms, once.
 * @param trim gives free memory outside of V8's heap back to the system.
 */
export function collectLater(trim: () => void): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options: object) => void;
  setTimeout(() => {
    collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
    trim();
  }, SETTLED_MS).unref();
}

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Until then whatever a start has begun is done: components are ready or on their way. */
const SETTLED_MS = 5_000;

/** An older V8 would complain to the terminal of a flag that it does not know. */
const isNew = Number.parseInt(process.versions.v8, 10) >= 13;

/** A flag of V8 for a process that waits most of its life, and as V8 has it. */
type Flag = readonly [frugal: string, shipped: string];

/** New objects get 1 MiB instead of up to 16, old ones are looked through sooner, and code is made small. */
const always: readonly Flag[] = [
  ['--semi-space-growth-factor=1', '--semi-space-growth-factor=2'],
  ['--optimize-for-size', '--no-optimize-for-size'],
  ...(isNew ? [['--invocation-count-for-maglev=4000', '--invocation-count-for-maglev=400'] as const] : []),
];

/**
 * No compiler while a start runs through all there is, most of it once: for fifty components they take 5 MiB and give
 * nothing.
 */
const atFirst: readonly Flag[] = [
  ['--no-opt', '--opt'],
  ['--no-sparkplug', '--sparkplug'],
];

/**
 * V8 is told that this process waits most of its life. Holds for all threads. Node's own modules come with compiled
 * code, which V8 takes only while its flags are as shipped: this is for the moment when all are loaded, and before much
 * is done. Otherwise that costs every thread a megabyte and a start a tenth of a second.
 */
export function stayFrugal(): void {
  for (const [frugal] of [...always, ...atFirst]) setFlagsFromString(frugal);
}

/**
 * The start is over: from now on what is called often is compiled, a restart above all; the optimizing compilers are
 * called in ten times later than elsewhere.
 * @param keep keeps compiled code for a later process, while the flags are as they will be when that one reads it.
 */
export function allowCompilers(keep: () => void): void {
  for (const [, shipped] of [...always, ...atFirst]) setFlagsFromString(shipped);
  keep();
  for (const [frugal] of always) setFlagsFromString(frugal);
  if (isNew) setFlagsFromString('--invocation-count-for-turbofan=30000');
}

/**
 * What only the start has needed goes once it is over: otherwise it would stay for hours, because hardly anything is
 * allocated that makes V8 look. Takes some 40 ms, once. To be called by each thread.
 * @param trim gives free memory outside of V8's heap back to the system.
 */
export function collectLater(trim: () => void = () => {}): void {
  setTimeout(() => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as (options: object) => void;
    collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
    trim();
  }, SETTLED_MS).unref();
}

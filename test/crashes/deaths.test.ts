import { accessSync, constants, readFileSync, rmSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { openKernelLog } from '../../src/crashes/index.ts';
import { until } from '../support/temp.ts';
import { compile, deaths, die, has, nativeDeaths, pythonDeaths } from './deaths.ts';

const native = has('gcc') ? compile() : null;
const log = openKernelLog(systemClock);
afterAll(() => {
  log.close();
  if (native) rmSync(native.folder, { recursive: true });
});
/** The same log as the daemon reads: a fault that a tool of the machine has is in it at once. */
const logTells = process.platform === 'linux' && process.arch === 'x64' && process.getuid?.() === 0;

describe.runIf(process.platform === 'linux')('a real process', () => {
  const all = [
    ...deaths,
    ...(native ? nativeDeaths(native.program) : []),
    ...(has('python3') ? pythonDeaths : []),
  ].filter(({ byKernelLog }) => !byKernelLog);

  it.concurrent.each(all)('that dies of $what is told so', { timeout: 90_000 }, async (death) => {
    expect(await die(death, log)).toMatchObject(death.dies);
  });

  it.runIf(native && logTells && tells())(
    'that dies of recursion without end in C is told so by the log of the kernel',
    async () => {
      const death = nativeDeaths(native!.program).find(({ byKernelLog }) => byKernelLog)!;
      // The kernel writes down ten faults in five seconds, whosever they are.
      const verdict = await until(
        'a fault that the kernel wrote down',
        async () => {
          const found = await die(death, log);
          if (found.type === 'stack_overflow') return found;
          expect(found).toMatchObject({ type: 'segmentation_fault', errorType: 'SIGSEGV' });
          await new Promise((resolve) => setTimeout(resolve, 500));
          return false;
        },
        60_000,
      );
      expect(verdict).toMatchObject(death.dies);
    },
    90_000,
  );
});

/** Whether this kernel writes faults down at all, where we can read them. */
function tells(): boolean {
  try {
    accessSync('/dev/kmsg', constants.R_OK);
    return readFileSync('/proc/sys/debug/exception-trace', 'latin1').trim() === '1';
  } catch {
    return false;
  }
}

import { setTimeout } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import { systemCode, withoutStack } from '../errors.ts';
import { allPids, hasEnded, hasProc, presence, readStat, systemBootId, takesSignals, type ProcStat } from './proc.ts';

/** The kernel needs time to take a large process apart; one that waits for a dead disk never ends. */
const LONGEST_WAIT_MS = 1_000;
/** Zombies that nobody waits for still answer signals; looking for them costs a walk through /proc. */
const LOOK_FOR_ZOMBIES_AFTER_MS = 5;

/** Sends a signal; @returns false when there was nobody to take it. */
export function signal(target: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(target, name);
    return true;
  } catch {
    return false;
  }
}

/**
 * Kills what is left of a process group.
 * @returns false when nothing was left, or nothing that this user may kill.
 */
export function killGroup(group: number): boolean {
  if (process.platform === 'win32' || group <= 1 || group === process.pid) return false;
  try {
    withoutStack(() => process.kill(-group, 'SIGKILL'));
    return true;
  } catch (error) {
    if (systemCode(error) === 'ESRCH' || systemCode(error) === 'EPERM') return false;
    throw error;
  }
}

const isPeopled = (group: number): boolean =>
  allPids().some((pid) => {
    const stat = readStat(pid);
    return stat !== null && stat.group === group && !hasEnded(stat);
  });

/** Waits until a killed group has gone, for a second at most. @returns false when some of it is still there. */
export async function groupGone(group: number, clock: Clock): Promise<boolean> {
  const begun = clock.monotonic();
  let looked = begun;
  while (takesSignals(-group)) {
    const now = clock.monotonic();
    if (hasProc && now - looked >= LOOK_FOR_ZOMBIES_AFTER_MS) {
      if (!isPeopled(group)) return true;
      looked = clock.monotonic();
    }
    if (now - begun > LONGEST_WAIT_MS) return false;
    await clock.sleep(1);
  }
  return true;
}

/** Waits until killed processes have gone, for a second at most: till then they keep their ports and files. */
export async function processesGone(killed: readonly ProcStat[]): Promise<void> {
  const deadline = performance.now() + LONGEST_WAIT_MS;
  const remains = ({ pid, startTime }: ProcStat) => presence({ pid, startTime, bootId: systemBootId }) === 'alive';
  // The kernel's time, which no test can hand out: hence Node's own timer.
  while (killed.some(remains) && performance.now() < deadline) await setTimeout(2);
}

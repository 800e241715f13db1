import { readFile } from 'node:fs/promises';
import { allPids, hasEnded, readStat, type ProcStat } from './proc.ts';

/**
 * Reading another process's environment can block for as long as that process holds its memory map. These reads
 * happen on libuv's threads, of which there are four: at most this many may be stuck.
 */
const AT_ONCE = 2;

/** A living process and the environment it was started with. */
export interface Found {
  readonly stat: ProcStat;
  readonly env: ReadonlyMap<string, string>;
}

function parse(environ: string): Map<string, string> {
  return new Map(
    environ.split('\0').flatMap((entry) => {
      const at = entry.indexOf('=');
      return at > 0 ? [[entry.slice(0, at), entry.slice(at + 1)] as const] : [];
    }),
  );
}

async function look(pid: number, marks: readonly string[], strangers: Set<number>): Promise<Found | null> {
  const before = readStat(pid);
  if (before === null || hasEnded(before)) return null;
  const environ = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => null);
  if (environ === null || !marks.some((mark) => environ.includes(mark))) {
    // An empty one is a thread of the kernel, in no group, or a program about to begin, which shows it in a moment.
    if (environ !== '' || before.group === 0) strangers.add(pid);
    return null;
  }
  const stat = readStat(pid);
  // Another process may have been given the pid between the readings.
  if (stat === null || stat.startTime !== before.startTime || hasEnded(stat)) return null;
  return { stat, env: parse(environ) };
}

/**
 * All living processes but ourselves whose environment holds one of the marks, as far as the kernel shows it: those
 * of this user, to root all. A program that overwrites its environment to set its title is not found.
 * @param strangers pids that are not looked at; grows by those that hold no mark.
 * @param hear told of each the moment it is found: those that move on quickly are gone a moment later.
 */
export async function findByEnvironment(
  marks: readonly string[],
  strangers = new Set<number>(),
  hear: (found: Found) => void = () => undefined,
): Promise<Found[]> {
  const pids = allPids().filter((pid) => pid !== process.pid && !strangers.has(pid));
  const found: Found[] = [];
  const work = async () => {
    for (let pid = pids.pop(); pid !== undefined; pid = pids.pop()) {
      const process = await look(pid, marks, strangers);
      if (process === null) continue;
      found.push(process);
      hear(process);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return found;
}

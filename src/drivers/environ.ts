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

async function look(pid: number, marks: readonly string[]): Promise<Found | null> {
  const before = readStat(pid);
  if (before === null || hasEnded(before)) return null;
  const environ = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
  if (!marks.some((mark) => environ.includes(mark))) return null;
  const stat = readStat(pid);
  // Another process may have been given the pid between the readings.
  if (stat === null || stat.startTime !== before.startTime || hasEnded(stat)) return null;
  return { stat, env: parse(environ) };
}

/**
 * All living processes but ourselves whose environment holds one of the marks, as far as the kernel shows it: those
 * of this user, to root all. A program that overwrites its environment to set its title is not found.
 */
export async function findByEnvironment(marks: readonly string[]): Promise<Found[]> {
  const pids = allPids().filter((pid) => pid !== process.pid);
  const found: Found[] = [];
  const work = async () => {
    for (let pid = pids.pop(); pid !== undefined; pid = pids.pop()) {
      const process = await look(pid, marks);
      if (process) found.push(process);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return found;
}

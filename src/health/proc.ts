import { readdirSync, readFileSync } from 'node:fs';
import { cpus, freemem, totalmem } from 'node:os';

/*
 * Readings of the machine. /proc costs no disk and cannot hang, so it is read synchronously; where there is none,
 * what `os` knows; what cannot be read is null.
 */

/** CPU time since boot, in any unit: two readings make a ratio. */
export interface CpuTimes {
  readonly busy: number;
  readonly total: number;
}

/** The first line of /proc/stat; time given away to guests is already within user and nice. */
export function parseCpu(stat: string): CpuTimes | null {
  const [label, ...fields] = (stat.split('\n', 1)[0] ?? '').split(/\s+/);
  const times = fields.slice(0, 8).map(Number);
  if (label !== 'cpu' || times.length < 4 || times.some((time) => !Number.isFinite(time))) return null;
  const total = times.reduce((sum, time) => sum + time, 0);
  return { busy: total - (times[3] ?? 0) - (times[4] ?? 0), total };
}

/** Memory in use as the system itself sees it: what is neither free nor reclaimable. */
export function parseMemory(meminfo: string): number | null {
  const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(meminfo)?.[1] ?? Number.NaN);
  const ratio = 1 - kib('MemAvailable') / kib('MemTotal');
  return Number.isFinite(ratio) ? ratio : null;
}

/** Open handles of the whole system, from /proc/sys/fs/file-nr. */
export function parseHandles(fileNr: string): number | null {
  const handles = Number(/^(\d+)\s/.exec(fileNr)?.[1] ?? Number.NaN);
  return Number.isFinite(handles) ? handles : null;
}

/** Threads of the whole system, from /proc/loadavg: nothing else tells them without asking every process. */
export function parseThreads(loadAverage: string): number | null {
  const threads = Number(/^\S+ \S+ \S+ \d+\/(\d+)/.exec(loadAverage)?.[1] ?? Number.NaN);
  return Number.isFinite(threads) ? threads : null;
}

/** CPU in use between two readings, 0–1; null without an earlier one. */
export function cpuRatioBetween(before: CpuTimes | null, now: CpuTimes | null): number | null {
  if (!before || !now || now.total <= before.total) return null;
  return Math.min(1, Math.max(0, (now.busy - before.busy) / (now.total - before.total)));
}

export interface Reading {
  readonly cpu: CpuTimes | null;
  readonly memoryRatio: number | null;
  readonly processes: number | null;
  readonly handles: number | null;
  readonly threads: number | null;
}

export function readMachine(proc = '/proc'): Reading {
  const linux = process.platform === 'linux' || proc !== '/proc';
  if (!linux) return { ...readOs(), processes: null, handles: null, threads: null };
  return {
    cpu: tried(() => parseCpu(readFileSync(`${proc}/stat`, 'utf8'))),
    memoryRatio: tried(() => parseMemory(readFileSync(`${proc}/meminfo`, 'utf8'))),
    processes: tried(() => pids(proc).length || null),
    handles: tried(() => parseHandles(readFileSync(`${proc}/sys/fs/file-nr`, 'utf8'))),
    threads: tried(() => parseThreads(readFileSync(`${proc}/loadavg`, 'utf8'))),
  };
}

export const pids = (proc = '/proc'): string[] => readdirSync(proc).filter((entry) => /^\d+$/.test(entry));

function readOs(): Pick<Reading, 'cpu' | 'memoryRatio'> {
  const all = cpus().map(({ times }) => times);
  const total = all.reduce((sum, { user, nice, sys, idle, irq }) => sum + user + nice + sys + idle + irq, 0);
  const idle = all.reduce((sum, times) => sum + times.idle, 0);
  return { cpu: total > 0 ? { busy: total - idle, total } : null, memoryRatio: 1 - freemem() / totalmem() };
}

/** What can be read at all; null otherwise. */
export function tried<T>(read: () => T | null): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}

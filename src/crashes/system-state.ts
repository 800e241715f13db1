import { readdir, statfs } from 'node:fs/promises';
import { cpus, freemem, totalmem } from 'node:os';
import type { Clock } from '../clock.ts';
import { iso } from '../format.ts';

const GIB = 2 ** 30;
const SAMPLE_MS = 100;

/** The machine when a report is written, in the names of the specification. */
export interface SystemState {
  readonly timestamp: string;
  readonly cpu_percent: number | null;
  readonly memory: { readonly total_gb: number; readonly available_gb: number; readonly percent: number };
  readonly disk: { readonly total_gb: number; readonly free_gb: number; readonly percent: number } | null;
  readonly process_count: number | null;
}

const rounded = (value: number): number => Math.round(value * 100) / 100;

function cpuTimes(): { busy: number; all: number } {
  const times = cpus().map(({ times: { user, nice, sys, idle, irq } }) => ({ busy: user + nice + sys + irq, idle }));
  const busy = times.reduce((sum, time) => sum + time.busy, 0);
  return { busy, all: busy + times.reduce((sum, time) => sum + time.idle, 0) };
}

async function cpuPercent(clock: Clock): Promise<number | null> {
  const before = cpuTimes();
  await clock.sleep(SAMPLE_MS);
  const now = cpuTimes();
  return now.all > before.all ? rounded((100 * (now.busy - before.busy)) / (now.all - before.all)) : null;
}

async function diskOf(folder: string): Promise<SystemState['disk']> {
  const found = await statfs(folder).catch(() => null);
  if (found === null || found.blocks === 0) return null;
  const { bsize, blocks, bavail, bfree } = found;
  return {
    total_gb: rounded((blocks * bsize) / GIB),
    free_gb: rounded((bavail * bsize) / GIB),
    percent: rounded((100 * (blocks - bfree)) / (blocks - bfree + bavail)),
  };
}

/** Reads CPU (over a tenth of a second), memory, the disk that `folder` lies on and the number of processes. */
export async function readSystemState(folder: string, clock: Clock): Promise<SystemState> {
  const [cpu_percent, disk, processes] = await Promise.all([
    cpuPercent(clock),
    diskOf(folder),
    readdir('/proc').then(
      (names) => names.filter((name) => /^\d+$/.test(name)).length,
      () => null,
    ),
  ]);
  const [total, free] = [totalmem(), freemem()];
  return {
    timestamp: iso(clock.now()),
    cpu_percent,
    memory: {
      total_gb: rounded(total / GIB),
      available_gb: rounded(free / GIB),
      percent: rounded((100 * (total - free)) / total),
    },
    disk,
    process_count: processes,
  };
}

import { readFileSync } from 'node:fs';
import type { Clock } from '../clock.ts';

const REFRESH_MS = 2_000;

/** A file of the kernel with a line `oom_kill N`. */
function readCount(file: string): number | null {
  try {
    const [, count] = /^oom_kill (\d+)$/m.exec(readFileSync(file, 'latin1')) ?? [];
    return count === undefined ? null : Number(count);
  } catch {
    return null;
  }
}

/**
 * Where the kernel counts what it has killed for memory in our control group: memory.events (cgroup 2),
 * memory.oom_control (cgroup 1), or for the root group the whole system's count.
 */
export function oomCounterFiles(): string[] {
  let groups = '';
  try {
    groups = readFileSync('/proc/self/cgroup', 'latin1');
  } catch {
    return [];
  }
  const [, unified] = /^0::(\/.*)$/m.exec(groups) ?? [];
  const [, memory] = /^\d+:(?:[\w,]*,)?memory(?:,[\w,]*)?:(\/.*)$/m.exec(groups) ?? [];
  return [
    ...(memory === undefined ? [] : [`/sys/fs/cgroup/memory${memory}/memory.oom_control`]),
    ...(unified === undefined ? [] : [`/sys/fs/cgroup${unified}/memory.events`]),
    '/proc/vmstat',
  ];
}

/** Tells whether the kernel has just killed for memory. */
export interface OomWatch {
  /**
   * Asked once for each process that was killed. One small file is read, in microseconds. Null: it cannot be read.
   * A kill answers one question, and only those of the next two to four seconds.
   */
  killedJustNow(): boolean | null;
  close(): void;
}

/** @param files the first that can be read is the counter. */
export function createOomWatch(deps: { readonly clock: Clock; readonly files: readonly string[] }): OomWatch {
  const file = deps.files.find((candidate) => readCount(candidate) !== null);
  const read = () => (file === undefined ? null : readCount(file));
  let answered = read() ?? 0;
  /** Kills up to this count are older than one refresh: nobody asks for them any more. */
  let seen = answered;
  let stopTimer = () => {};
  const refresh = () => {
    answered = Math.max(answered, seen);
    seen = read() ?? seen;
    stopTimer = deps.clock.after(REFRESH_MS, refresh);
  };
  if (file !== undefined) stopTimer = deps.clock.after(REFRESH_MS, refresh);
  return {
    killedJustNow() {
      const count = read();
      if (count === null) return null;
      if (count <= answered) return false;
      answered++;
      return true;
    },
    close: () => stopTimer(),
  };
}

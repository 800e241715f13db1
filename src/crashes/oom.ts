import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import type { Clock } from '../clock.ts';

const REFRESH_MS = 2_000;

/** Longer than any of the files; the line of /proc/vmstat stands behind some 4 KiB of others. */
const LONGEST_FILE = 16_384;

/** A file of the kernel with a line `oom_kill N`, held open: each of its ends is waited for by a restart. */
interface Counter {
  read(): number | null;
  close(): void;
}

/** Null: it cannot be read, or counts something else. */
function openCounter(file: string): Counter | null {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch {
    return null;
  }
  const buffer = Buffer.alloc(LONGEST_FILE);
  const counter = {
    read() {
      try {
        // Such files are handed out a page at a time.
        let length = 0;
        for (let more = -1; more !== 0; length += more)
          more = readSync(fd, buffer, length, buffer.length - length, length);
        const [, count] = /^oom_kill (\d+)$/m.exec(buffer.toString('latin1', 0, length)) ?? [];
        return count === undefined ? null : Number(count);
      } catch {
        return null;
      }
    },
    close: () => closeSync(fd),
  };
  if (counter.read() !== null) return counter;
  counter.close();
  return null;
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
  let counter: Counter | null = null;
  for (const file of deps.files) counter ??= openCounter(file);
  const read = () => counter?.read() ?? null;
  let answered = read() ?? 0;
  /** Kills up to this count are older than one refresh: nobody asks for them any more. */
  let seen = answered;
  const refresh = () => {
    answered = Math.max(answered, seen);
    seen = read() ?? seen;
  };
  const stopTimer = counter ? deps.clock.every(REFRESH_MS, refresh) : () => {};
  return {
    killedJustNow() {
      const count = read();
      if (count === null) return null;
      if (count <= answered) return false;
      answered++;
      return true;
    },
    close() {
      stopTimer();
      counter?.close();
      counter = null;
    },
  };
}

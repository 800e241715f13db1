import { closeSync, constants, openSync, readSync } from 'node:fs';
import type { Clock } from '../clock.ts';
import { withoutStack } from '../errors.ts';

/*
 * What the kernel writes down when it ends a process: which one had no memory, and where another one touched memory
 * that is not its own. Only root (or CAP_SYSLOG) may read it, and the kernel writes ten such lines in five seconds at
 * most: what is there is proof, what is missing proves nothing.
 */

/**
 * What the log says of one end. `stack_fault`: it touched memory just beside its stack pointer, so the stack was full;
 * `memory_fault`: memory elsewhere.
 */
export type KernelWord = 'oom_killed' | 'stack_fault' | 'memory_fault';

export interface KernelLog {
  /** Reads what is new; a line is written before the parent hears of the end. Null: the log does not name the pid. */
  wordOf(pid: number): KernelWord | null;
  close(): void;
}

const LONGEST_RECORD = 8_192;
/** Reading the past takes 20 µs a record: in slices, that nobody waits for. */
const SLICE = 100;
/** A flood of other lines must not hold up a restart: what may lie before the word is read every so often. */
const MOST_AT_ONCE = 500;
const READ_EVERY_MS = 2_000;
const MOST_REMEMBERED = 64;
/** How far below the stack pointer a frame may reach; compilers probe each page of a larger one. */
const BESIDE_BYTES = 65_536n;

const KILLED = /[Oo]ut of memory[^:\n]{0,60}: Killed process (\d+)/;
const FAULT = /\[(\d+)\]: segfault at ([0-9a-f]+) ip [0-9a-f]+ sp ([0-9a-f]+)/;

/** What one line says of whom. Pure. */
export function readRecord(line: string): { readonly pid: number; readonly word: KernelWord } | null {
  const [, killed] = KILLED.exec(line) ?? [];
  if (killed !== undefined) return { pid: Number(killed), word: 'oom_killed' };
  const [, pid, address, stack] = FAULT.exec(line) ?? [];
  if (pid === undefined) return null;
  const distance = BigInt(`0x${address}`) - BigInt(`0x${stack}`);
  const beside = distance > -BESIDE_BYTES && distance < BESIDE_BYTES;
  return { pid: Number(pid), word: beside ? 'stack_fault' : 'memory_fault' };
}

/** @param file `/dev/kmsg` unless given; one that cannot be read says nothing. What it held before counts for nobody. */
export function openKernelLog(clock: Clock, file = '/dev/kmsg'): KernelLog {
  const words = new Map<number, KernelWord>();
  const buffer = Buffer.alloc(LONGEST_RECORD);
  let fd = open(file);
  let past = fd !== null;

  /** @returns false: there is no more. */
  function next(): boolean {
    if (fd === null) return false;
    try {
      const length = readQuietly(fd, buffer);
      if (length === 0) return false;
      if (past) return true;
      for (const line of buffer.toString('latin1', 0, length).split('\n')) {
        const found = readRecord(line);
        if (!found) continue;
        words.delete(found.pid);
        words.set(found.pid, found.word);
      }
      for (const pid of words.keys()) if (words.size > MOST_REMEMBERED) words.delete(pid);
      return true;
    } catch (error) {
      // Records that were overwritten before we came; the next read goes on behind them.
      return (error as NodeJS.ErrnoException).code === 'EPIPE';
    }
  }

  const skip = (): void => {
    for (let i = 0; i < SLICE; i++)
      if (!next()) {
        past = false;
        return;
      }
    setImmediate(skip);
  };
  if (past) skip();
  const readOn = (): void => {
    for (let i = 0; !past && i < MOST_AT_ONCE && next(); i++);
  };
  const stopReading = fd === null ? () => {} : clock.every(READ_EVERY_MS, readOn);

  return {
    wordOf(pid) {
      readOn();
      const word = words.get(pid) ?? null;
      words.delete(pid);
      return word;
    },
    close() {
      stopReading();
      if (fd !== null) closeSync(fd);
      fd = null;
    },
  };
}

/** It ends with an error whenever there is nothing new. */
const readQuietly = (fd: number, buffer: Buffer): number => withoutStack(() => readSync(fd, buffer));

function open(file: string): number | null {
  try {
    return openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return null;
  }
}

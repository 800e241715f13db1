import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/*
 * What the kernel tells of a process that still lives and does not answer: where each thread waits, in which call,
 * on what. Nothing is asked of the process itself, so it cannot refuse, and nothing here takes longer than a
 * millisecond or two. Without /proc there is nothing to tell.
 */

/** One thread of a process. */
export interface Thread {
  readonly id: number;
  readonly name: string;
  /** `running`, `sleeping`, `stopped`, `uninterruptible` (waits for a disk or the like), … */
  readonly state: string;
  /** The system call that it is in, with what it waits on where that is a file: `read of pipe:[7]`. */
  readonly call: string | null;
  /** The function of the kernel that it waits in: `futex_do_wait`. */
  readonly waitsIn: string | null;
}

const MOST_THREADS = 64;
const STATES: Readonly<Record<string, string>> = {
  R: 'running',
  S: 'sleeping',
  D: 'uninterruptible',
  T: 'stopped',
  t: 'traced',
  Z: 'ended',
};
/** Calls that programs hang in, by their number; a `*` takes a descriptor first. */
const X64_CALLS = new Map(
  Object.entries({
    0: 'read*',
    1: 'write*',
    7: 'poll',
    16: 'ioctl*',
    17: 'pread*',
    23: 'select',
    34: 'pause',
    35: 'nanosleep',
    42: 'connect*',
    43: 'accept*',
    44: 'sendto*',
    45: 'recvfrom*',
    46: 'sendmsg*',
    47: 'recvmsg*',
    61: 'wait4',
    72: 'fcntl*',
    73: 'flock*',
    74: 'fsync*',
    75: 'fdatasync*',
    128: 'sigtimedwait',
    202: 'futex',
    219: 'restart_syscall',
    230: 'clock_nanosleep',
    232: 'epoll_wait*',
    247: 'waitid',
    257: 'openat',
    270: 'pselect',
    271: 'ppoll',
    281: 'epoll_pwait*',
  }).map(([number, name]) => [Number(number), name]),
);

function text(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return null;
  }
}

function target(pid: number, descriptor: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/fd/${descriptor}`);
  } catch {
    return null;
  }
}

/** `0 0x3 0x7f… …`, `running`, or -1 for a thread that is stopped outside of any call. */
function callOf(pid: number, line: string | null): string | null {
  const [number = '', first = ''] = line?.split(' ') ?? [];
  if (!/^\d+$/.test(number)) return null;
  const known = process.arch === 'x64' ? X64_CALLS.get(Number(number)) : undefined;
  if (known === undefined) return `call ${number}`;
  if (!known.endsWith('*')) return known;
  const on = target(pid, Number(first));
  return on === null ? known.slice(0, -1) : `${known.slice(0, -1)} of ${on}`;
}

function threadOf(pid: number, id: number): Thread | null {
  const folder = `/proc/${pid}/task/${id}`;
  const status = text(`${folder}/status`);
  if (status === null) return null;
  const [, name = ''] = /^Name:\t(.*)$/m.exec(status) ?? [];
  const [, state = ''] = /^State:\t(\w)/m.exec(status) ?? [];
  const waitsIn = text(`${folder}/wchan`);
  return {
    id,
    name,
    state: STATES[state] ?? state,
    call: callOf(pid, text(`${folder}/syscall`)),
    waitsIn: waitsIn === null || waitsIn === '0' || waitsIn === '' ? null : waitsIn,
  };
}

/** The main thread first; none when it has gone. */
export function readThreads(pid: number): Thread[] {
  try {
    const ids = readdirSync(`/proc/${pid}/task`).slice(0, MOST_THREADS).map(Number);
    return ids.flatMap((id) => threadOf(pid, id) ?? []);
  } catch {
    return [];
  }
}

/** Where its main thread is inside the kernel, innermost first: for root only, empty otherwise. */
export const readKernelStack = (pid: number): string[] =>
  (text(`/proc/${pid}/stack`) ?? '').split('\n').flatMap((line) => /^\[<[^>]*>\] ([\w.]+)/.exec(line)?.[1] ?? []);

/** Its program and arguments; empty when it has gone. */
export const readCommand = (pid: number): string[] =>
  (text(`/proc/${pid}/cmdline`) ?? '').split('\0').filter((argument) => argument !== '');

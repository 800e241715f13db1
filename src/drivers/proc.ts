import { readFileSync, readdirSync, statSync } from 'node:fs';
import type { ProcessIdentity } from '../model/index.ts';

/*
 * All that is read of processes from the system. On Linux that is /proc. Elsewhere (macOS, Windows) there is none:
 * start times are 0, a process counts as alive while its pid takes signal 0, there are no survivors to find, and
 * usage is not told.
 */

/** One line of `/proc/PID/stat`. */
export interface ProcStat {
  readonly pid: number;
  /** One letter; Z and X have ended and wait for their parent. */
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** User and system time, with that of children already waited for, in clock ticks. */
  readonly cpuTicks: number;
  readonly threads: number;
  readonly residentPages: number;
  /** In clock ticks since the boot. */
  readonly startTime: number;
}

/** As UTF-8, for which Node has a way that costs a third: what is no UTF-8 stands in names, and those are not read. */
function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/** Tells this boot of the system from all others; empty where there is no /proc. */
export const systemBootId = (readText('/proc/sys/kernel/random/boot_id') ?? '').trim();
/** False where the system has no /proc to read. */
export const hasProc = systemBootId !== '' && readText('/proc/self/stat') !== null;

/** Of those that are read: after it come as many again. */
const LAST_FIELD = 24;

/** Reads the text of a stat file; the name in parentheses may itself hold spaces and parentheses. */
export function parseStat(text: string): ProcStat | null {
  const end = text.lastIndexOf(')');
  const pid = Number.parseInt(text, 10);
  if (end < 0 || Number.isNaN(pid)) return null;
  const fields = text.slice(end + 2).split(' ', LAST_FIELD - 2);
  const number = (field: number) => Number(fields[field - 3] ?? 0);
  return {
    pid,
    state: fields[0] ?? 'X',
    parent: number(4),
    group: number(5),
    session: number(6),
    cpuTicks: number(14) + number(15) + number(16) + number(17),
    threads: number(20),
    startTime: number(22),
    residentPages: number(24),
  };
}

/** Null when there is no such process, or no /proc. */
export function readStat(pid: number): ProcStat | null {
  const text = readText(`/proc/${pid}/stat`);
  return text === null ? null : parseStat(text);
}

export const hasEnded = (stat: ProcStat): boolean => stat.state === 'Z' || stat.state === 'X';

/** Who this pid is now. Call it before its parent can have waited for it. */
export const identify = (pid: number): ProcessIdentity => ({
  pid,
  startTime: readStat(pid)?.startTime ?? 0,
  bootId: systemBootId,
});

/** `reused`: another process has the pid by now. A zombie has gone. */
export type Presence = 'alive' | 'gone' | 'reused';

/** What the system tells of a process that is still there, and still the same one; null also without /proc. */
export function statOf({ pid, startTime, bootId }: ProcessIdentity): ProcStat | null {
  const stat = bootId === systemBootId ? readStat(pid) : null;
  return stat && stat.startTime === startTime && !hasEnded(stat) ? stat : null;
}

/** Whether a process is still there, and still the same one. */
export function presence(identity: ProcessIdentity): Presence {
  if (identity.bootId !== systemBootId) return 'reused';
  if (!hasProc) return takesSignals(identity.pid) ? 'alive' : 'gone';
  const stat = readStat(identity.pid);
  if (stat === null) return 'gone';
  if (stat.startTime !== identity.startTime) return 'reused';
  return hasEnded(stat) ? 'gone' : 'alive';
}

/** The process is running, and it is the one meant: not a zombie, not another that was given its pid. */
export const sameProcess = (identity: ProcessIdentity): boolean => presence(identity) === 'alive';

/** @param target a pid, or a process group as a negative number. */
export function takesSignals(target: number): boolean {
  try {
    process.kill(target, 0);
    return true;
  } catch {
    return false;
  }
}

/** Every pid there is; none without /proc. */
export function allPids(): number[] {
  if (!hasProc) return [];
  return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
}

/**
 * Processes started by any thread of this one that are still its children.
 * @param threads as told a moment ago: of a single one it is known which.
 */
export function childrenOf(pid: number, threads = 0): number[] {
  try {
    const tasks = threads === 1 ? [pid] : readdirSync(`/proc/${pid}/task`);
    return tasks.flatMap((thread) =>
      (readText(`/proc/${pid}/task/${thread}/children`) ?? '').split(' ').filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
}

/** Open descriptors; null when not told, as for processes of other users. */
export function openFds(pid: number): number | null {
  try {
    const folder = `/proc/${pid}/fd`;
    // Since Linux 6.2 their number is the size of the folder; before, it is 0.
    return statSync(folder).size || readdirSync(folder).length;
  } catch {
    return null;
  }
}

/** A number that the kernel hands each program at its start; the vector is pairs of words. */
function auxiliary(type: bigint, otherwise: number): number {
  try {
    const vector = new BigUint64Array(new Uint8Array(readFileSync('/proc/self/auxv')).buffer);
    for (let i = 0; i + 1 < vector.length; i += 2) if (vector[i] === type) return Number(vector[i + 1]);
  } catch {
    // No /proc, or words of 32 bits: the values below hold nearly everywhere.
  }
  return otherwise;
}

export const pageBytes = auxiliary(6n, 4_096);
export const ticksPerSecond = auxiliary(17n, 100);

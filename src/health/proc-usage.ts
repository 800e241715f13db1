import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { ProcessUsage } from '../model/index.ts';
import { pids, tried } from './proc.ts';

/** Linux tells CPU time in hundredths of a second, whatever its own clock does. */
const TICKS_PER_SECOND = 100;

/**
 * Usage of all processes of one name (the program's file name, or the name that the process gave itself).
 * @param memory keeps the CPU reading until the next call.
 * @returns null: there is none; undefined: this system does not tell.
 */
export function usageByName(
  name: string,
  memory: Map<string, number>,
  nowMs: number,
  proc = '/proc',
): ProcessUsage | null | undefined {
  const all = tried(() => pids(proc));
  if (process.platform !== 'linux' || !all) return undefined;
  const found = all.filter((pid) => isNamed(`${proc}/${pid}`, name));
  return found.length === 0 ? null : usageOf(found, memory, nowMs, proc);
}

/** When a process began, in ms since 1970, to about a second; null: it has gone, or was not waited for by its parent. */
export function beganAt(pid: number, proc = '/proc'): number | null {
  return tried(() => {
    const bootSeconds = Number(/^btime (\d+)/m.exec(readFileSync(`${proc}/stat`, 'utf8'))?.[1]);
    const fields = statFields(`${proc}/${pid}`);
    const began = (bootSeconds + Number(fields[19]) / TICKS_PER_SECOND) * 1_000;
    return fields[0] !== 'Z' && Number.isFinite(began) ? began : null;
  });
}

/** What these processes use together; `memory` as above. */
export function usageOf(
  found: readonly string[],
  memory: Map<string, number>,
  nowMs: number,
  proc = '/proc',
): ProcessUsage {
  const cpuMs = sum(found.map((pid) => tried(() => readCpuMs(`${proc}/${pid}`)))) ?? 0;
  const [lastCpuMs, lastMs] = [memory.get('cpu ms'), memory.get('at ms')];
  memory.set('cpu ms', cpuMs).set('at ms', nowMs);
  const elapsed = lastMs === undefined ? 0 : nowMs - lastMs;
  return {
    cpuRatio: elapsed > 0 && lastCpuMs !== undefined ? Math.max(0, cpuMs - lastCpuMs) / elapsed : null,
    residentBytes: sum(found.map((pid) => tried(() => readResident(`${proc}/${pid}`)))),
    openFds: sum(found.map((pid) => tried(() => readdirSync(`${proc}/${pid}/fd`).length))),
    processes: found.length,
  };
}

/** By either name: the one in `comm` is cut at 15 characters, and Node calls its own "MainThread". */
function isNamed(folder: string, name: string): boolean {
  const program = tried(() => readFileSync(`${folder}/cmdline`, 'utf8').split('\0')[0] ?? '');
  return program !== null && (basename(program) === name || readComm(folder) === name);
}

const readComm = (folder: string) => tried(() => readFileSync(`${folder}/comm`, 'utf8').trimEnd());

/** The fields of its `stat` after its name, which may contain anything: the first is its state. */
function statFields(folder: string): string[] {
  const stat = readFileSync(`${folder}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function readCpuMs(folder: string): number {
  const fields = statFields(folder);
  return ((Number(fields[11]) + Number(fields[12])) * 1_000) / TICKS_PER_SECOND;
}

function readResident(folder: string): number | null {
  const kib = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`${folder}/status`, 'utf8'))?.[1];
  return kib === undefined ? null : Number(kib) * 1_024;
}

/** Of those that could be read; null when none could. */
function sum(values: readonly (number | null)[]): number | null {
  const read = values.filter((value) => value !== null);
  return read.length === 0 ? null : read.reduce((total, value) => total + value, 0);
}

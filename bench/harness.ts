import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';

/** What all figures have in common: the victim, the supervisors to compare, the machine, the results file. */

export const ROOT = join(import.meta.dirname, '..');
const WORK = join(ROOT, 'bench', '.work');

/** Compiles the victim once; needs a C compiler. */
export function victim(): string {
  const program = join(WORK, 'victim');
  mkdirSync(WORK, { recursive: true });
  if (!existsSync(program)) execFileSync('gcc', ['-O2', '-o', program, join(ROOT, 'bench', 'victim.c')]);
  return program;
}

/** Our own compiled command line, as it is published. */
export function compiled(): string {
  const main = join(ROOT, 'dist', 'main.js');
  if (!existsSync(main)) execFileSync('npm', ['run', 'build'], { cwd: ROOT, stdio: 'inherit' });
  return main;
}

export function pm2(): string {
  const bin = join(ROOT, 'bench', 'node_modules', 'pm2', 'bin', 'pm2');
  if (!existsSync(bin)) throw new Error('PM2 is not installed: npm ci --prefix bench');
  return bin;
}

export interface Folder {
  readonly path: string;
  remove(): void;
}

export function folder(): Folder {
  const path = mkdtempSync(join(tmpdir(), 'paramedic-bench-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** `[pid, nanoseconds]` of each start that a victim's log tells of. */
export function starts(log: string): { pid: number; at: bigint }[] {
  if (!existsSync(log)) return [];
  return readFileSync(log, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [mark, pid, at] = line.split(' ');
      return mark === 'S' && pid !== undefined && at !== undefined ? [{ pid: Number(pid), at: BigInt(at) }] : [];
    });
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export async function until<T>(
  what: string,
  probe: () => T | undefined | false,
  timeoutMs = 20_000,
  stepMs = 2,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const value = probe();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms for: ${what}`);
    await sleep(stepMs);
  }
}

export function run(command: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): ChildProcess {
  const [program = '', ...args] = command;
  return spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'], ...options });
}

export async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await ended;
}

export const isAlive = (pid: number): boolean => {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
};

/** Seconds of CPU that a process has used so far, its threads included, its children not. */
export function cpuSecondsOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** What a process holds in memory; `pss`: pages that n processes share counted as one n-th; `dirty`: its very own. */
export function memoryOf(pid: number): { rss_mib: number; pss_mib: number; dirty_mib: number } {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const mib = (name: string) => round(Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1]) / 1_024, 1);
  return { rss_mib: mib('Rss'), pss_mib: mib('Pss'), dirty_mib: mib('Private_Dirty') };
}

export const round = (value: number, digits: number): number => Math.round(value * 10 ** digits) / 10 ** digits;

export interface Spread {
  readonly n: number;
  readonly min: number;
  readonly median: number;
  readonly p95: number;
  readonly max: number;
}

/** Of milliseconds, to the microsecond. */
export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) =>
    Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN) * 1_000) / 1_000;
  return { n: sorted.length, min: at(0), median: at(0.5), p95: at(0.95), max: at(1) };
}

/** Writes one result with its date and machine to bench/results/NAME.json and tells it. */
export function record(name: string, result: object): void {
  const machine = {
    node: process.version,
    cpus: cpus().length,
    model: cpus()[0]?.model,
    memory_gib: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    // Of the last minute: what others did meanwhile shows in the figures.
    load: round(loadavg()[0] ?? 0, 1),
  };
  const file = join(ROOT, 'bench', 'results', `${name}.json`);
  writeFileSync(file, `${JSON.stringify({ name, at: new Date().toISOString(), machine, ...result }, null, 2)}\n`);
  console.log(JSON.stringify(result, null, 2));
  console.log(`written to bench/results/${name}.json`);
}

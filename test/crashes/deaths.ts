import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { classify, type KernelLog, type Verdict } from '../../src/crashes/index.ts';

/*
 * Every way to die that a Linux machine without a memory limit of its own can show, each by a real process. The tests
 * let each happen once, `bench/deaths.ts` ten times.
 */

/** One way to die: what runs, what is sent to it once it does, and what must be said of it. */
export interface Death {
  readonly what: string;
  readonly command: readonly string[];
  readonly sent?: NodeJS.Signals;
  readonly dies: Partial<Verdict> & { readonly rule: string };
  /** Only the kernel's log tells, and it tells of ten faults in five seconds at most. */
  readonly byKernelLog?: true;
}

/** Whether a program is on this machine. */
export const has = (program: string): boolean => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;

const node = (script: string, ...flags: string[]) => [process.execPath, ...flags, '-e', script];
const module = (script: string) => [process.execPath, '--input-type=module', '-e', script];
const shell = (script: string) => ['sh', '-c', script];
const python = (script: string) => ['python3', '-c', script];

const C = `
#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
volatile int depth;
int fill(int n) { volatile char frame[1000]; frame[0] = n; depth++; return fill(n + 1) + frame[0]; }
int main(int count, char **arguments) {
  (void)count;
  switch (arguments[1][0]) {
    case 'n': *(volatile int *)0 = 1; break;
    case 'a': abort();
    case 's': assert(!"no plan"); break;
    case 'o': return fill(0);
    case 'b': raise(SIGBUS); break;
    case 'f': raise(SIGFPE); break;
    case 'i': __builtin_trap();
    case 'm': { char *all = malloc(1UL << 40); memset(all, 1, 4096); break; }
    case 'd': { char *block = malloc(10); free(block); free(block); break; }
  }
  return 0;
}`;

/** Compiles the program of many deaths into a folder that the caller removes. */
export function compile(): { readonly folder: string; readonly program: string } {
  const folder = mkdtempSync(join(tmpdir(), 'paramedic-deaths-'));
  const [source, program] = [join(folder, 'deaths.c'), join(folder, 'deaths')];
  writeFileSync(source, C);
  const { status, stderr } = spawnSync('gcc', ['-O0', '-w', '-o', program, source], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`gcc: ${stderr}`);
  return { folder, program };
}

/** @param program of `compile`. */
export const nativeDeaths = (program: string): Death[] => {
  const fault = (signal: string) =>
    ({ rule: 'memory fault', type: 'segmentation_fault', severity: 'critical', errorType: signal }) as const;
  const abort = { rule: 'abort', type: 'unknown', severity: 'high', errorType: 'SIGABRT' } as const;
  return [
    { what: 'a null pointer', command: [program, 'n'], dies: fault('SIGSEGV') },
    { what: 'a null pointer, behind a shell', command: shell(`${program} n; exit $?`), dies: fault('SIGSEGV') },
    { what: 'abort()', command: [program, 'a'], dies: abort },
    { what: 'abort(), behind a shell', command: shell(`${program} a; exit $?`), dies: abort },
    { what: 'an assertion in C', command: [program, 's'], dies: abort },
    { what: 'a block freed twice', command: [program, 'd'], dies: abort },
    { what: 'a bus error', command: [program, 'b'], dies: fault('SIGBUS') },
    { what: 'a division error', command: [program, 'f'], dies: fault('SIGFPE') },
    { what: 'a trap', command: [program, 'i'], dies: fault('SIGILL') },
    {
      what: 'recursion without end in C',
      command: [program, 'o'],
      byKernelLog: true,
      dies: { rule: 'stack ran into what is not its own', type: 'stack_overflow', errorType: 'stack_overflow' },
    },
  ];
};

const asleep = 'setInterval(() => {}, 1e6)';
const exit = (code: number, dies: Death['dies']): Death => ({
  what: `exit code ${code}`,
  command: shell(`exit ${code}`),
  dies,
});
const other = (code: number) => exit(code, { rule: 'anything else', type: 'unknown', errorType: `exit_${code}` });
const threw = (errorType: string) => ({ rule: 'uncaught exception', type: 'unhandled_exception', errorType }) as const;
const outside = (signal: string) =>
  ({ rule: 'ended from outside', type: 'external_termination', severity: 'low', errorType: signal }) as const;
const killed = {
  rule: 'killed from outside',
  type: 'external_termination',
  severity: 'medium',
  errorType: 'SIGKILL',
} as const;
const grow = 'const all = []; for (;;) all.push(new Array(1e4).fill(1.5));';

export const deaths: readonly Death[] = [
  { what: 'an uncaught error', command: node('throw new TypeError("x")'), dies: threw('TypeError') },
  { what: 'an unhandled rejection', command: node('Promise.reject(new RangeError("x"))'), dies: threw('RangeError') },
  {
    what: 'a rejection without an error',
    command: node('Promise.reject("why")'),
    dies: threw('UnhandledPromiseRejection'),
  },
  {
    what: 'an error in the handler of errors',
    command: node('process.on("uncaughtException", () => { throw new TypeError("y") }); throw new Error("x")'),
    dies: { type: 'unhandled_exception' } as Death['dies'],
  },
  {
    what: 'a module that cannot be found',
    command: module('import "./no/such/module.js"'),
    dies: threw('Error'),
  },
  {
    what: 'recursion without end in JavaScript',
    command: node('function f() { f() } f()'),
    dies: { rule: 'call stack exhausted', type: 'stack_overflow', errorType: 'RangeError' },
  },
  {
    what: 'a full heap of V8',
    command: node(grow, '--max-old-space-size=20'),
    dies: { rule: 'heap exhausted', type: 'out_of_memory', errorType: 'out_of_memory' },
  },
  {
    what: 'a buffer that is too large',
    command: node('new ArrayBuffer(2 ** 45)'),
    dies: { rule: 'allocation refused', type: 'out_of_memory', errorType: 'RangeError' },
  },
  {
    what: 'process.abort()',
    command: node('process.abort()'),
    dies: { rule: 'abort', type: 'unknown', errorType: 'SIGABRT' },
  },
  {
    what: 'an await that nothing ends',
    command: module('await new Promise(() => {})'),
    dies: { rule: 'anything else', type: 'unknown', errorType: 'exit_13' },
  },
  {
    what: 'a flag that is none',
    command: [process.execPath, '--no-such-flag'],
    dies: { rule: 'anything else', type: 'unknown', errorType: 'exit_9' },
  },
  exit(0, { rule: 'left without an error', type: 'unknown', severity: 'low', errorType: 'exit_0' }),
  other(3),
  exit(7, { rule: 'handler of exceptions failed', type: 'unhandled_exception', errorType: 'exit_7' }),
  other(9),
  other(13),
  other(78),
  exit(134, { rule: 'abort', type: 'unknown', errorType: 'SIGABRT' }),
  exit(137, killed),
  exit(139, { rule: 'memory fault', type: 'segmentation_fault', errorType: 'SIGSEGV' }),
  ...(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const).map((sent): Death => ({
    what: `${sent} of somebody else`,
    command: node(asleep),
    sent,
    dies: outside(sent),
  })),
  { what: 'SIGKILL of somebody else', command: node(asleep), sent: 'SIGKILL', dies: killed },
  {
    what: 'SIGTERM of somebody else, behind a shell',
    command: shell('sh -c "kill -TERM \\$\\$"; exit $?'),
    dies: outside('SIGTERM'),
  },
  {
    what: 'SIGKILL of somebody else, behind a shell',
    command: shell('sh -c "kill -KILL \\$\\$"; exit $?'),
    dies: killed,
  },
];

export const pythonDeaths: readonly Death[] = [
  { what: 'a Python exception', command: python('raise ValueError("x")'), dies: threw('ValueError') },
  {
    what: 'an exception of a Python module',
    command: python('import json\njson.loads("{")'),
    dies: threw('JSONDecodeError'),
  },
  {
    what: 'a Python chain of exceptions',
    command: python('try: {}["a"]\nexcept KeyError as e: raise OSError("x") from e'),
    dies: threw('OSError'),
  },
  {
    what: 'Python recursion without end',
    command: python('def f(): f()\nf()'),
    dies: { rule: 'call stack exhausted', type: 'stack_overflow', errorType: 'RecursionError' },
  },
  {
    what: 'memory that the limit of a process refuses',
    command: shell(`ulimit -v 400000 && exec python3 -c 'x = bytearray(1 << 30)'`),
    dies: { rule: 'allocation refused', type: 'out_of_memory', errorType: 'MemoryError' },
  },
  {
    what: 'a fault below Python that faulthandler tells of',
    command: ['python3', '-X', 'faulthandler', '-c', 'import ctypes; ctypes.string_at(0)'],
    dies: { rule: 'memory fault', type: 'segmentation_fault', errorType: 'SIGSEGV' },
  },
];

const LONGEST_MS = 60_000;

/** Lets it happen, and names it. @param log told the pid, as the daemon tells it. */
export async function die({ command, sent }: Death, log?: KernelLog): Promise<Verdict> {
  const [program = '', ...args] = command;
  const env = { PATH: process.env['PATH'], PARAMEDIC_TEST: process.env['PARAMEDIC_TEST'], HOME: process.env['HOME'] };
  const child = spawn(program, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  if (sent) child.kill(sent);
  const tooLong = setTimeout(() => child.kill('SIGKILL'), LONGEST_MS);
  const exit = await new Promise<{ code: number | null; signal: string | null }>((resolve) =>
    child.once('close', (code, signal) => resolve({ code, signal })),
  );
  clearTimeout(tooLong);
  return classify({
    exit,
    stderrTail: stderr.slice(-16_384),
    told: null,
    killedFor: null,
    oomKilled: false,
    kernelSays: exit.code === null ? (log?.wordOf(child.pid ?? 0) ?? null) : null,
    memoryShare: null,
    adopted: false,
  });
}

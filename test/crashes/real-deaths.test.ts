import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { classify } from '../../src/crashes/index.ts';

function dieOf(command: string, ...args: string[]) {
  const env = { PATH: process.env['PATH'], PARAMEDIC_TEST: process.env['PARAMEDIC_TEST'] };
  const { status, signal, stderr } = spawnSync(command, args, { encoding: 'utf8', env });
  return classify({
    exit: { code: status, signal },
    stderrTail: stderr.slice(-16_384),
    told: null,
    killedFor: null,
    oomKilled: false,
    kernelSays: null,
    memoryShare: null,
    adopted: false,
  });
}
const node = (script: string, ...flags: string[]) => dieOf(process.execPath, ...flags, '-e', script);
const hasPython = spawnSync('python3', ['--version']).status === 0;

const grow = 'const all = []; for (;;) all.push(new Array(1e4).fill(1.5));';

describe('a real process', () => {
  it.each([
    {
      what: 'an uncaught error',
      script: 'throw new TypeError("a\\nb")',
      dies: { type: 'unhandled_exception', errorType: 'TypeError', exception: { message: 'a\nb' } },
    },
    {
      what: 'an error with a cause',
      script: 'throw new Error("out", { cause: new SyntaxError("in") })',
      dies: { errorType: 'Error', exception: { message: 'out' } },
    },
    {
      what: 'an error without a stack',
      script: 'const e = new RangeError("x"); e.stack = undefined; throw e',
      dies: { errorType: 'RangeError', exception: { message: 'x' } },
    },
    {
      what: 'an unhandled rejection',
      script: 'Promise.reject(new RangeError("x"))',
      dies: { type: 'unhandled_exception', errorType: 'RangeError' },
    },
    {
      what: 'a rejection without an error',
      script: 'Promise.reject("why")',
      dies: { errorType: 'UnhandledPromiseRejection' },
    },
    {
      what: 'a text that is thrown',
      script: 'throw "text"',
      dies: { type: 'unhandled_exception', errorType: 'non_error', exception: { message: 'text' } },
    },
    {
      what: 'an error that an emitter throws',
      script: 'new (require("events"))().emit("error", new TypeError("x"))',
      dies: { errorType: 'TypeError', exception: { message: 'x' } },
    },
    {
      what: 'recursion without end',
      script: 'function f() { f() } f()',
      dies: { type: 'stack_overflow', errorType: 'RangeError' },
    },
    {
      what: 'a worker that runs out of memory',
      script: `new (require("worker_threads").Worker)(${JSON.stringify(grow)}, { eval: true, resourceLimits: { maxOldGenerationSizeMb: 20 } })`,
      dies: { type: 'out_of_memory' },
    },
    { what: 'abort', script: 'process.abort()', dies: { type: 'unknown', errorType: 'SIGABRT' } },
    {
      what: 'a code of its own',
      script: 'process.exit(3)',
      dies: { type: 'unknown', errorType: 'exit_3', exception: null },
    },
    { what: 'nothing left to do', script: '', dies: { type: 'unknown', severity: 'low', errorType: 'exit_0' } },
    {
      what: 'a segmentation fault',
      script: 'process.kill(process.pid, "SIGSEGV"); setInterval(() => {}, 1e3)',
      dies: { type: 'segmentation_fault', severity: 'critical' },
    },
    {
      what: 'SIGKILL',
      script: 'process.kill(process.pid, "SIGKILL"); setInterval(() => {}, 1e3)',
      dies: { type: 'external_termination', errorType: 'SIGKILL' },
    },
    {
      what: 'SIGTERM',
      script: 'process.kill(process.pid, "SIGTERM"); setInterval(() => {}, 1e3)',
      dies: { type: 'external_termination', errorType: 'SIGTERM' },
    },
  ])('that dies of $what is told so', ({ script, dies }) => {
    expect(node(script)).toMatchObject(dies);
  });

  it('that fills its heap is told so', () => {
    expect(node(grow, '--max-old-space-size=20')).toMatchObject({ type: 'out_of_memory', rule: 'heap exhausted' });
  });

  it('that aborts at an exception is told so', () => {
    const flags = ['--abort-on-uncaught-exception'];
    expect(node('throw new TypeError("x")', ...flags)).toMatchObject({
      severity: expect.stringMatching(/medium|critical|high/),
    });
  });

  it('is seen through a shell', () => {
    expect(dieOf('/bin/sh', '-c', 'sh -c "kill -SEGV \\$\\$"')).toMatchObject({ type: 'segmentation_fault' });
    expect(dieOf('/bin/sh', '-c', 'sh -c "kill -9 \\$\\$"; exit $?')).toMatchObject({ errorType: 'SIGKILL' });
  });

  it('has the same signature each time', () => {
    const bug = (message: string) => node(`function plan() { throw new TypeError("${message}") } plan()`).signature;
    expect(bug('one')).toBe(bug('two'));
  });
});

describe.runIf(hasPython)('a real Python process', () => {
  it.each([
    {
      what: 'an exception',
      script: 'raise ValueError("x")',
      dies: { type: 'unhandled_exception', errorType: 'ValueError', exception: { message: 'x' } },
    },
    { what: 'no memory', script: 'raise MemoryError()', dies: { type: 'out_of_memory', errorType: 'MemoryError' } },
    { what: 'recursion', script: 'def f(): f()\nf()', dies: { type: 'stack_overflow', errorType: 'RecursionError' } },
    { what: 'a syntax error', script: 'x = [', dies: { errorType: 'SyntaxError' } },
    {
      what: 'an exception of a module',
      script: 'import json\njson.loads("{")',
      dies: { errorType: 'JSONDecodeError' },
    },
  ])('that dies of $what is told so', ({ script, dies }) => {
    expect(dieOf('python3', '-c', script)).toMatchObject(dies);
  });

  it('is known by the cause of its exception', () => {
    const wrapped = (cause: string, outer: string) =>
      dieOf('python3', '-c', `def f():\n  raise ${cause}\ntry: f()\nexcept Exception as e: raise ${outer} from e`);
    const first = wrapped('ValueError(1)', 'KeyError(1)');
    expect(first.errorType).toBe('KeyError');
    expect(wrapped('ValueError(2)', 'OSError(3)').signature).toBe(first.signature);
    expect(wrapped('TypeError(2)', 'KeyError(1)').signature).not.toBe(first.signature);
  });
});

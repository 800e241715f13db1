import { describe, expect, it } from 'vitest';
import { classify, type Evidence } from '../../src/crashes/index.ts';
import { table } from '../../src/crashes/table.ts';

const evidence = (changes: Partial<Evidence> = {}): Evidence => ({
  exit: { code: 1, signal: null },
  stderrTail: '',
  told: null,
  killedFor: null,
  oomKilled: null,
  kernelSays: null,
  memoryShare: null,
  adopted: false,
  ...changes,
});
const code = (value: number, stderrTail = '') => evidence({ exit: { code: value, signal: null }, stderrTail });
const signal = (name: string, stderrTail = '', changes: Partial<Evidence> = {}) =>
  evidence({ exit: { code: null, signal: name }, stderrTail, ...changes });
const hung = (cpuRatio: number | null) => signal('SIGKILL', '', { killedFor: { why: 'hang', cpuRatio } });
const silent = (stderrTail: string) => evidence({ exit: { code: null, signal: null }, adopted: true, stderrTail });

const stack = (header: string, where = 'plan (/app/src/agent.js:3:9)') =>
  `/app/src/agent.js:3\n  fail();\n  ^\n\n${header}\n    at ${where}\n    at node:internal/main:1:1\n\nNode.js v24.1.0\n`;
const heap =
  'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n----- Native stack trace -----\n';
const go = (first: string) =>
  `${first}\n\ngoroutine 1 [running]:\nmain.plan(0x1)\n\t/src/agent/main.go:8 +0x1d\nexit status 2\n`;

const rows: readonly (readonly [
  rule: string,
  evidence: Evidence,
  type: string,
  severity: string,
  errorType: string,
])[] = [
  ['killed while busy', hung(0.97), 'infinite_loop', 'high', 'hang_busy'],
  ['killed while idle', hung(0.01), 'deadlock', 'high', 'hang_idle'],
  ['killed while busy', hung(0.3), 'infinite_loop', 'high', 'hang_busy'],
  ['killed for silence', hung(0.2), 'watchdog_timeout', 'high', 'hang'],
  ['killed for silence', hung(null), 'watchdog_timeout', 'high', 'hang'],
  [
    "killed by the engine's watchdog",
    signal('SIGABRT', '', { engineFailure: 'watchdog' }),
    'watchdog_timeout',
    'high',
    'engine_watchdog',
  ],
  [
    'given up by the engine',
    signal('SIGKILL', '', { engineFailure: 'start-limit-hit' }),
    'service_failure',
    'high',
    'engine_start_limit_hit',
  ],
  [
    'failed, says the engine, and no more',
    { ...silent(''), engineFailure: 'status_1' },
    'service_failure',
    'medium',
    'engine_status_1',
  ],
  ['failed, says the engine', { ...code(3), engineFailure: 'exit-code' }, 'service_failure', 'medium', 'exit_3'],
  ['heap exhausted', signal('SIGABRT', heap), 'out_of_memory', 'high', 'out_of_memory'],
  ['heap exhausted', code(134, heap), 'out_of_memory', 'high', 'out_of_memory'],
  ['heap exhausted', silent(heap), 'out_of_memory', 'high', 'out_of_memory'],
  [
    'allocation refused',
    code(1, stack('RangeError: Array buffer allocation failed')),
    'out_of_memory',
    'high',
    'RangeError',
  ],
  [
    'allocation refused',
    code(1, stack('Error [ERR_WORKER_OUT_OF_MEMORY]: Worker terminated')),
    'out_of_memory',
    'high',
    'Error',
  ],
  ['killed by the kernel for memory', signal('SIGKILL', '', { oomKilled: true }), 'out_of_memory', 'high', 'oom_kill'],
  ['killed by the kernel for memory', { ...code(137), oomKilled: true }, 'out_of_memory', 'high', 'oom_kill'],
  [
    'killed when it had taken nearly all memory',
    signal('SIGKILL', '', { memoryShare: 0.93 }),
    'out_of_memory',
    'high',
    'oom_likely',
  ],
  ['killed from outside', signal('SIGKILL', '', { memoryShare: 0.5 }), 'external_termination', 'medium', 'SIGKILL'],
  [
    'killed from outside',
    signal('SIGKILL', '', { memoryShare: 0.93, oomKilled: false }),
    'external_termination',
    'medium',
    'SIGKILL',
  ],
  [
    'stack ran into what is not its own',
    signal('SIGSEGV', '', { kernelSays: 'stack_fault' }),
    'stack_overflow',
    'high',
    'stack_overflow',
  ],
  ['memory fault', signal('SIGSEGV', '', { kernelSays: 'memory_fault' }), 'segmentation_fault', 'critical', 'SIGSEGV'],
  ['killed by the kernel for memory', { ...silent(''), kernelSays: 'oom_killed' }, 'out_of_memory', 'high', 'oom_kill'],
  ['memory fault', { ...silent(''), kernelSays: 'memory_fault' }, 'segmentation_fault', 'critical', 'SIGSEGV'],
  [
    'ended from outside',
    signal('SIGTERM', '', { kernelSays: 'memory_fault' }),
    'external_termination',
    'low',
    'SIGTERM',
  ],
  ['no memory (NTSTATUS)', code(0xc0000017), 'out_of_memory', 'high', '0xC0000017'],
  ['no memory (NTSTATUS)', code(0xc000012d | 0), 'out_of_memory', 'high', '0xC000012D'],
  [
    'call stack exhausted',
    code(1, stack('RangeError: Maximum call stack size exceeded')),
    'stack_overflow',
    'high',
    'RangeError',
  ],
  [
    'call stack exhausted',
    code(2, `runtime: goroutine stack exceeds 1000000000-byte limit\n${go('fatal error: stack overflow')}`),
    'stack_overflow',
    'high',
    'fatal_error',
  ],
  [
    'native stack exhausted',
    signal('SIGABRT', "\nthread 'main' has overflowed its stack\nfatal runtime error\n"),
    'stack_overflow',
    'high',
    'stack_overflow',
  ],
  [
    'native stack exhausted',
    signal('SIGSEGV', 'ERROR: AddressSanitizer: stack-overflow on address 0x7\n'),
    'stack_overflow',
    'high',
    'stack_overflow',
  ],
  ['stack overflow (NTSTATUS)', code(0xc00000fd), 'stack_overflow', 'high', '0xC00000FD'],
  [
    'abort after an exception',
    signal('SIGABRT', "terminate called after throwing an instance of 'std::runtime_error'\n  what():  no plan\n"),
    'unhandled_exception',
    'medium',
    'std.runtime_error',
  ],
  ['memory fault', signal('SIGSEGV'), 'segmentation_fault', 'critical', 'SIGSEGV'],
  ['memory fault', signal('SIGBUS'), 'segmentation_fault', 'critical', 'SIGBUS'],
  ['memory fault', code(139), 'segmentation_fault', 'critical', 'SIGSEGV'],
  ...[0xc0000005, 0xc0000374, 0xc0000409, 0xc000001d, 0x80000003].map(
    (status) =>
      [
        'memory fault (NTSTATUS)',
        code(status | 0),
        'segmentation_fault',
        'critical',
        `0x${status.toString(16).toUpperCase()}`,
      ] as const,
  ),
  ['abort', signal('SIGABRT', 'agent: agent.c:3: plan: Assertion `0` failed.\n'), 'unknown', 'high', 'SIGABRT'],
  ['abort', code(134), 'unknown', 'high', 'SIGABRT'],
  [
    'all goroutines asleep',
    code(2, go('fatal error: all goroutines are asleep - deadlock!')),
    'deadlock',
    'high',
    'fatal_error',
  ],
  [
    'uncaught exception',
    code(1, stack('TypeError: x is not a function')),
    'unhandled_exception',
    'medium',
    'TypeError',
  ],
  [
    'uncaught exception',
    code(7, stack('TypeError: x is not a function')),
    'unhandled_exception',
    'medium',
    'TypeError',
  ],
  ['uncaught exception', code(2, go('panic: no plan')), 'unhandled_exception', 'medium', 'panic'],
  [
    'uncaught exception',
    code(101, "thread 'main' panicked at src/main.rs:2:5:\nno plan\nnote: run with\n"),
    'unhandled_exception',
    'medium',
    'panic',
  ],
  ['uncaught exception', silent(stack('TypeError: x is not a function')), 'unhandled_exception', 'medium', 'TypeError'],
  ['handler of exceptions failed', code(7), 'unhandled_exception', 'medium', 'exit_7'],
  ['handler of exceptions failed', code(0xe06d7363), 'unhandled_exception', 'medium', '0xE06D7363'],
  ['killed from outside', signal('SIGKILL'), 'external_termination', 'medium', 'SIGKILL'],
  ['killed from outside', signal('SIGKILL', heap, { oomKilled: false }), 'external_termination', 'medium', 'SIGKILL'],
  ['killed from outside', code(137), 'external_termination', 'medium', 'SIGKILL'],
  ...['SIGTERM', 'SIGINT', 'SIGHUP'].map(
    (name) =>
      ['ended from outside', signal(name, stack('Error: logged before')), 'external_termination', 'low', name] as const,
  ),
  ['ended from outside', code(143), 'external_termination', 'low', 'SIGTERM'],
  ['ended from outside (NTSTATUS)', code(0xc000013a), 'external_termination', 'low', '0xC000013A'],
  ['ended from outside (NTSTATUS)', code(0x40010004), 'external_termination', 'low', '0x40010004'],
  ['end not told', silent(''), 'unknown', 'medium', 'exit_unknown'],
  ['left without an error', code(0, stack('Error: logged before')), 'unknown', 'low', 'exit_0'],
  ['anything else', code(1), 'unknown', 'medium', 'exit_1'],
  ['anything else', code(13), 'unknown', 'medium', 'exit_13'],
  ['anything else', code(255), 'unknown', 'medium', 'exit_255'],
  ['anything else', signal('SIGPIPE'), 'unknown', 'medium', 'SIGPIPE'],
];

describe('a crash', () => {
  it.each(rows.map(([rule, given, type, severity, errorType]) => ({ rule, given, type, severity, errorType })))(
    '"$rule" is $type, $severity, $errorType',
    ({ rule, given, type, severity, errorType }) => {
      const { exception: _, signature: __, ...verdict } = classify(given);
      expect(verdict).toEqual({ rule, type, severity, errorType });
    },
  );

  it('is tried here for every row of the table', () => {
    expect(table.map(({ rule }) => rule).filter((rule) => !rows.some(([tried]) => tried === rule))).toEqual([]);
  });

  it('takes an error that it only logged for no cause', () => {
    expect(classify(signal('SIGTERM', stack('Error: logged before'))).exception).toBeNull();
  });

  it('has a label of few values even when the program makes up its class names', () => {
    expect(classify(code(1, stack(`Error${'x'.repeat(70)}: a`))).errorType).toBe('Error');
  });
});

describe('a signature', () => {
  const of = (header: string, where?: string) => classify(code(1, stack(header, where))).signature;
  const base = of('TypeError: x');

  it('is the same wherever the line has moved and whatever the message tells', () => {
    expect(base).toMatch(/^[0-9a-f]{12}$/);
    expect(of('TypeError: y', 'plan (/app/src/agent.js:77:1)')).toBe(base);
    expect(of('TypeError: x', 'plan (file:///elsewhere/src/agent.js:3:9)')).toBe(base);
    expect(of('TypeError: x', 'async plan (/app/src/agent.js:3:9)')).toBe(base);
    expect(of('TypeError: x', 'get (/app/node_modules/lib/a.js:1:1)\n    at plan (/app/src/agent.js:3:9)')).toBe(base);
  });

  it('differs for another class, function or file, and for another way to die', () => {
    const others = [
      of('RangeError: x'),
      of('TypeError: x', 'act (/app/src/agent.js:3:9)'),
      of('TypeError: x', 'plan (/app/src/other.js:3:9)'),
      ...[signal('SIGSEGV'), signal('SIGKILL'), code(1), code(2), code(0xc0000005), hung(1), hung(0)].map(
        (given) => classify(given).signature,
      ),
    ];
    expect(new Set([base, ...others]).size).toBe(others.length + 1);
  });

  it('is the same for what was told and for what was printed', () => {
    const header = 'TypeError: x';
    const told = { type: 'TypeError', message: 'x', stack: `${header}\n    at plan (/app/src/agent.js:3:9)` };
    const verdict = classify(evidence({ told, stderrTail: stack('Error: logged before') }));
    expect(verdict).toMatchObject({ rule: 'uncaught exception', errorType: 'TypeError', exception: told });
    expect(verdict.signature).toBe(of(header));
  });

  it('is found for what was told without a stack, also by one of whom nothing else is known', () => {
    const told = { type: 'ToolError', message: 'job 17', stack: '' };
    const verdict = classify({ ...silent(''), told });
    expect(verdict).toMatchObject({
      type: 'unhandled_exception',
      errorType: 'ToolError',
      exception: { stack: 'ToolError: job 17' },
    });
    expect(classify({ ...silent(''), told: { ...told, message: 'job 18' } }).signature).toBe(verdict.signature);
  });

  it('of one that left well says nothing of what it told', () => {
    const told = { type: 'Error', message: 'x', stack: '' };
    expect(classify(evidence({ exit: { code: 0, signal: null }, told }))).toMatchObject({
      rule: 'left without an error',
      exception: null,
    });
  });

  it('goes back to the cause of a cause', () => {
    const wrapped = (outer: string, inner: string) =>
      `${outer}\n    at act (/app/a.js:1:1) {\n  [cause]: Error: between\n      at b (/app/b.js:1:1) {\n    [cause]: ${inner}\n        at c (/app/src/c.js:1:1)\n  }\n}\n\nNode.js v24\n`;
    const first = classify(code(1, wrapped('Error: one', 'TypeError: x')));
    expect(first.exception?.type).toBe('Error');
    expect(classify(code(1, wrapped('AgentError: two', 'TypeError: y'))).signature).toBe(first.signature);
    expect(classify(code(1, wrapped('Error: one', 'RangeError: x'))).signature).not.toBe(first.signature);
  });

  it('falls back on the message, without its particulars, where there is no frame of its own', () => {
    const from = (message: string) => of(`Error: ${message}`, 'node:internal/x:1:1');
    expect(from("job 17 of 'a' at 0xff")).toBe(from("job 4 of 'b' at 0x01"));
    expect(from('job 17')).not.toBe(from('task 17'));
  });
});

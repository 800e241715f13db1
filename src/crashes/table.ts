import type { CrashSeverity, CrashType } from '../model/index.ts';
import type { Facts } from './evidence.ts';
import type { KernelWord } from './kernel-log.ts';

/** One way to die. `label` is the metric's `error_type`, when it is neither the exception, the signal nor the code. */
export interface Row {
  readonly rule: string;
  readonly type: CrashType;
  readonly severity: CrashSeverity;
  readonly label?: string;
  /** The exception on stderr is what ended it, not something it logged before. */
  readonly byException?: true;
  /** The engine's own word is the metric's `error_type`. */
  readonly byEngine?: true;
  readonly when: (facts: Facts) => boolean;
}

/**
 * A core that was this busy was looping; one this idle was waiting for what never came. A loop gets a whole core only
 * where nobody else wants one: a third is still no waiting.
 */
const BUSY_RATIO = 0.3;
const IDLE_RATIO = 0.05;
/** Of the memory that there is for it. */
const NEARLY_ALL = 0.9;

const NO_MEMORY = new RegExp(
  [
    'heap out of memory',
    'Array buffer allocation failed',
    'ERR_WORKER_OUT_OF_MEMORY',
    'runtime: out of memory',
    'memory allocation of \\d+ bytes failed',
    'std::bad_alloc',
    'java\\.lang\\.OutOfMemoryError',
  ].join('|'),
);
const STACK_FULL =
  /Maximum call stack size exceeded|goroutine stack exceeds|^fatal_error: stack overflow|has overflowed its stack|stack-overflow on address/;
const ABORTS = new Set(['SIGABRT', 'SIGTRAP', 'SIGILL', 'SIGIOT']);
const FAULTS = new Set(['SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGTRAP', 'SIGFPE', 'SIGSYS']);
const REQUESTS = new Set(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT']);
const WINDOWS_FAULTS = new Set([0xc0000005, 0xc0000374, 0xc0000409, 0xc000001d, 0xc0000094, 0x80000003]);

/** Why an engine ends a run itself, or does not begin one: exit code and signal tell nothing then. */
const GIVEN_UP = new Set(['timeout', 'start-limit-hit', 'resources', 'protocol']);

const engineSays = ({ evidence }: Facts) => evidence.engineFailure ?? null;
const hung = ({ evidence }: Facts) => evidence.killedFor !== null;
const cpu = ({ evidence }: Facts) => evidence.killedFor?.cpuRatio ?? null;
const has = (set: ReadonlySet<string>, { signal }: Facts) => signal !== null && set.has(signal);
/** The kernel wrote down why it ended this process. */
const says = ({ evidence, signal }: Facts, word: KernelWord) =>
  evidence.kernelSays === word && signal === (word === 'oom_killed' ? 'SIGKILL' : 'SIGSEGV');
/** It gave up by itself: with a code of failure, or nobody knows how. */
const gaveUp = ({ code, silent }: Facts) => silent || (code !== null && code !== 0);
const aborted = (facts: Facts) => has(ABORTS, facts) || facts.code === 134 || facts.code === 3;
const exceptionSays = ({ exception }: Facts, pattern: RegExp, ...types: string[]) =>
  exception !== null &&
  (pattern.test(`${exception.type}: ${exception.message}\n${exception.stack}`) || types.includes(exception.type));

/**
 * How a process died: the first row that fits. Severities by the specification's meaning: low, nothing is lost;
 * medium, what came after the last checkpoint; high, it hung or grew without end and may do so again; critical, its
 * memory was not to be trusted. None is fatal (do not restart): that is said by `restart.exit_codes`, for no exit
 * alone tells that a start cannot help.
 */
export const table: readonly Row[] = [
  {
    rule: 'killed while busy',
    type: 'infinite_loop',
    severity: 'high',
    label: 'hang_busy',
    when: (f) => hung(f) && (cpu(f) ?? 0) >= BUSY_RATIO,
  },
  {
    rule: 'killed while idle',
    type: 'deadlock',
    severity: 'high',
    label: 'hang_idle',
    when: (f) => hung(f) && (cpu(f) ?? 1) <= IDLE_RATIO,
  },
  { rule: 'killed for silence', type: 'watchdog_timeout', severity: 'high', label: 'hang', when: hung },

  {
    rule: "killed by the engine's watchdog",
    type: 'watchdog_timeout',
    severity: 'high',
    byEngine: true,
    when: (f) => engineSays(f) === 'watchdog',
  },
  {
    rule: 'given up by the engine',
    type: 'service_failure',
    severity: 'high',
    byEngine: true,
    when: (f) => GIVEN_UP.has(engineSays(f) ?? ''),
  },

  {
    rule: 'heap exhausted',
    type: 'out_of_memory',
    severity: 'high',
    label: 'out_of_memory',
    when: (f) => (aborted(f) || f.silent) && NO_MEMORY.test(f.text),
  },
  {
    rule: 'allocation refused',
    type: 'out_of_memory',
    severity: 'high',
    byException: true,
    when: (f) => gaveUp(f) && exceptionSays(f, NO_MEMORY, 'MemoryError'),
  },
  {
    rule: 'killed by the kernel for memory',
    type: 'out_of_memory',
    severity: 'high',
    label: 'oom_kill',
    when: (f) => says(f, 'oom_killed') || (f.signal === 'SIGKILL' && f.evidence.oomKilled === true),
  },
  // Where the kernel does not count its kills (macOS, a container without its files) only the history speaks.
  {
    rule: 'killed when it had taken nearly all memory',
    type: 'out_of_memory',
    severity: 'high',
    label: 'oom_likely',
    when: (f) => f.signal === 'SIGKILL' && f.evidence.oomKilled === null && (f.evidence.memoryShare ?? 0) >= NEARLY_ALL,
  },
  {
    rule: 'no memory (NTSTATUS)',
    type: 'out_of_memory',
    severity: 'high',
    when: ({ code }) => code === 0xc0000017 || code === 0xc000012d,
  },

  {
    rule: 'call stack exhausted',
    type: 'stack_overflow',
    severity: 'high',
    byException: true,
    when: (f) => gaveUp(f) && exceptionSays(f, STACK_FULL, 'RecursionError'),
  },
  {
    rule: 'native stack exhausted',
    type: 'stack_overflow',
    severity: 'high',
    label: 'stack_overflow',
    when: (f) => (aborted(f) || has(FAULTS, f)) && STACK_FULL.test(f.text),
  },
  {
    rule: 'stack ran into what is not its own',
    type: 'stack_overflow',
    severity: 'high',
    label: 'stack_overflow',
    when: (f) => says(f, 'stack_fault'),
  },
  {
    rule: 'stack overflow (NTSTATUS)',
    type: 'stack_overflow',
    severity: 'high',
    when: ({ code }) => code === 0xc00000fd,
  },

  {
    rule: 'abort after an exception',
    type: 'unhandled_exception',
    severity: 'medium',
    byException: true,
    when: (f) => aborted(f) && f.exception !== null,
  },
  {
    rule: 'memory fault',
    type: 'segmentation_fault',
    severity: 'critical',
    when: (f) => has(FAULTS, f) || says(f, 'memory_fault'),
  },
  {
    rule: 'memory fault (NTSTATUS)',
    type: 'segmentation_fault',
    severity: 'critical',
    when: ({ code }) => code !== null && WINDOWS_FAULTS.has(code),
  },
  { rule: 'abort', type: 'unknown', severity: 'high', when: (f) => has(ABORTS, f) || f.code === 134 },

  {
    rule: 'all goroutines asleep',
    type: 'deadlock',
    severity: 'high',
    byException: true,
    when: (f) => gaveUp(f) && exceptionSays(f, /all goroutines are asleep - deadlock!/),
  },
  {
    rule: 'uncaught exception',
    type: 'unhandled_exception',
    severity: 'medium',
    byException: true,
    when: (f) => gaveUp(f) && f.exception !== null,
  },
  {
    rule: 'handler of exceptions failed',
    type: 'unhandled_exception',
    severity: 'medium',
    when: ({ code }) => code === 7 || code === 0xe06d7363,
  },

  {
    rule: 'killed from outside',
    type: 'external_termination',
    severity: 'medium',
    when: ({ signal }) => signal === 'SIGKILL',
  },
  { rule: 'ended from outside', type: 'external_termination', severity: 'low', when: (f) => has(REQUESTS, f) },
  {
    rule: 'ended from outside (NTSTATUS)',
    type: 'external_termination',
    severity: 'low',
    when: ({ code }) => code === 0xc000013a || code === 0x40010004,
  },

  {
    rule: 'failed, says the engine, and no more',
    type: 'service_failure',
    severity: 'medium',
    byEngine: true,
    when: (f) => f.silent && engineSays(f) !== null,
  },
  { rule: 'failed, says the engine', type: 'service_failure', severity: 'medium', when: (f) => engineSays(f) !== null },
  { rule: 'end not told', type: 'unknown', severity: 'medium', label: 'exit_unknown', when: ({ silent }) => silent },
  { rule: 'left without an error', type: 'unknown', severity: 'low', when: ({ code }) => code === 0 },
  { rule: 'anything else', type: 'unknown', severity: 'medium', when: () => true },
];

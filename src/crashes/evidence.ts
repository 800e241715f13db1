import { constants } from 'node:os';
import type { Exit } from '../model/index.ts';
import type { KernelWord } from './kernel-log.ts';
import { findException, type ParsedException } from './exceptions/index.ts';
import { toldException, type ToldCrash } from './told.ts';

/** All that is known of an end when it is told. */
export interface Evidence {
  readonly exit: Exit;
  /** The end of what this life wrote to stderr. */
  readonly stderrTail: string;
  /** What it told of its crash just before; null: nothing. It counts more than what stderr says. */
  readonly told: ToldCrash | null;
  /** We ended it for its silence; `cpuRatio` just before, 1 = one core. Null: it ended by itself. */
  readonly killedFor: { readonly why: 'hang'; readonly cpuRatio: number | null } | null;
  /** The kernel killed something of ours for memory just now; null: it does not tell. */
  readonly oomKilled: boolean | null;
  /** What the kernel's log says of this very process; null: nothing, or it cannot be read. */
  readonly kernelSays: KernelWord | null;
  /** Its resident memory at the last reading as a share of what there is for it; null: not known. */
  readonly memoryShare: number | null;
  /** What the engine that ran it calls its failure (`watchdog`, `exit-code` …); absent or null: no word of one. */
  readonly engineFailure?: string | null;
  /** Nobody was told how it ended: only the output speaks. */
  readonly adopted: boolean;
}

/** The evidence as the table reads it. */
export interface Facts {
  readonly evidence: Evidence;
  /** 0 to 2³²-1, without codes that stand for a signal; null when it did not end with one. */
  readonly code: number | null;
  /** Also read from 128 + n, as shells tell it, and from the kernel's log. */
  readonly signal: string | null;
  /** Neither code nor signal is known. */
  readonly silent: boolean;
  readonly text: string;
  readonly exception: ParsedException | null;
}

/** Of two names for one number the first counts: SIGABRT, not SIGIOT. */
const signalNames = new Map(
  Object.entries(constants.signals)
    .toReversed()
    .map(([name, number]) => [number, name]),
);
/** Signals that end a process; 128 + n of any other is a code of the program's own choice. */
const ENDING = new Set([
  'HUP',
  'INT',
  'QUIT',
  'ILL',
  'TRAP',
  'ABRT',
  'BUS',
  'FPE',
  'KILL',
  'SEGV',
  'PIPE',
  'TERM',
  'SYS',
]);

export function factsOf(evidence: Evidence): Facts {
  const { exit, stderrTail, told, kernelSays } = evidence;
  // Node tells NTSTATUS codes sometimes signed.
  const code = exit.code === null ? null : exit.code >>> 0;
  const name = code !== null && code > 128 && code < 160 ? signalNames.get(code - 128) : undefined;
  const shellSignal = name !== undefined && ENDING.has(name.slice(3)) ? name : null;
  const silent = exit.code === null && exit.signal === null;
  const toldSignal =
    kernelSays && { oom_killed: 'SIGKILL', stack_fault: 'SIGSEGV', memory_fault: 'SIGSEGV' }[kernelSays];
  return {
    evidence,
    code: shellSignal === null ? code : null,
    signal: exit.signal ?? shellSignal ?? (silent ? toldSignal : null),
    silent: silent && toldSignal === null,
    text: stderrTail,
    exception: told ? toldException(told) : findException(stderrTail),
  };
}

import { basename } from 'node:path';
import type {
  ComponentName,
  CrashId,
  EpochMs,
  Exit,
  IncarnationId,
  ProcessIdentity,
  ProcessUsage,
} from '../model/index.ts';
import type { Verdict } from './classify.ts';
import type { DiagnosticReport } from './diagnostic-report.ts';
import type { Evidence } from './evidence.ts';
import type { Hung, HungProcess } from './hung/examine.ts';
import { createMask } from './mask.ts';
import type { SystemState } from './system-state.ts';
import type { TakenPort } from './taken-port.ts';
import { iso } from '../format.ts';

/** All that the supervisor knows of one crash. */
export interface Crash {
  readonly crash: CrashId;
  readonly at: EpochMs;
  readonly component: ComponentName;
  readonly verdict: Verdict;
  readonly exit: Exit;
  readonly uptimeMs: number;
  readonly incarnation: IncarnationId;
  readonly process: ProcessIdentity | null;
  readonly command: readonly string[];
  /** Never written: the values of its secret variables are hidden wherever they appear. */
  readonly env: Readonly<Record<string, string>>;
  /** The last reading before the end. */
  readonly usage: ProcessUsage | null;
  readonly stdoutTail: string;
  readonly stderrTail: string;
  readonly killedFor: Evidence['killedFor'];
  readonly hung: Hung | null;
}

/** A crash report as it is stored: the specification's fields (chapter 4), secrets masked. */
export interface CrashReport {
  readonly crash_id: string;
  readonly timestamp: string;
  readonly crash_type: string;
  readonly severity: string;
  readonly component: string;
  readonly exception_type: string | null;
  readonly exception_message: string | null;
  readonly stack_trace: string | null;
  readonly system_state: SystemState & { readonly agent_process: Readonly<Record<string, unknown>> };
  readonly memory_dump_summary: Readonly<Record<string, unknown>>;
  readonly active_threads: readonly string[];
  readonly open_resources: readonly string[];
  readonly recent_logs: readonly string[];
  readonly recovery_attempted: boolean;
  /** Null while it is under way: the report is written beside the restart. */
  readonly recovery_successful: boolean | null;
  readonly additional_context: Readonly<Record<string, unknown>>;
}

const LINES_PER_STREAM = 50;
const LONGEST_LINE = 2_000;
const MIB = 2 ** 20;

const lastLines = (stream: string, text: string): string[] =>
  text
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '')
    .slice(-LINES_PER_STREAM)
    .map((line) => `${stream}: ${line.slice(0, LONGEST_LINE)}`);

const mebibytesOf = (usage: ProcessUsage | null): number | null =>
  typeof usage?.residentBytes === 'number' ? Math.round(usage.residentBytes / MIB) : null;

function agentProcess(
  { process, usage, uptimeMs, at, command, hung }: Crash,
  memoryGb: number,
): Record<string, unknown> {
  const { cpuRatio = null, openFds = null, processes = null } = usage ?? {};
  const mebibytes = mebibytesOf(usage);
  return {
    pid: process?.pid ?? null,
    name: command[0] === undefined ? null : basename(command[0]),
    status: 'ended',
    cpu_percent: cpuRatio === null ? null : Math.round(cpuRatio * 1_000) / 10,
    memory_percent: mebibytes === null ? null : Math.round((mebibytes / 1_024 / memoryGb) * 10_000) / 100,
    memory_info_mb: mebibytes,
    // Of its own process, while it still lived.
    num_threads: hung?.processes[0]?.threads.length ?? null,
    num_handles: openFds,
    processes,
    create_time: iso(at - uptimeMs),
  };
}

/** One line for each thread. */
export const threadsOf = ({ pid, threads }: HungProcess): string[] =>
  threads.map(({ name, id, state, call, waitsIn }) =>
    [`${name} (ID: ${id}${id === pid ? '' : ` of ${pid}`}) - ${state}`, call, waitsIn && `waits in ${waitsIn}`]
      .filter((part) => part !== null)
      .join(', '),
  );

/** Where it hung: in JavaScript where that could be had, else where its first process is in the kernel. */
function hungStack({ node, processes }: Hung): string | null {
  if (node && 'frames' in node && node.frames.length > 0) return node.frames.map((frame) => `    ${frame}`).join('\n');
  const [first] = processes;
  const frames = first?.kernelStack.length ? first.kernelStack : [first?.threads[0]?.waitsIn ?? null];
  const told = frames.flatMap((frame) => (frame === null ? [] : [`    at ${frame} (kernel)`]));
  return told.length === 0 ? null : told.join('\n');
}

function hungContext({ node, processes }: Hung): Record<string, unknown> {
  const asked = node && 'frames' in node ? node : null;
  return {
    processes: processes.map(({ pid, command, threads }) => ({ pid, command, state: threads[0]?.state ?? 'ended' })),
    javascript_of: node?.pid ?? null,
    no_javascript_stack: node && 'why' in node ? node.why : null,
    waits_for_events: asked?.frames.length === 0 ? asked.waitsFor : null,
  };
}

/** What was found out after a crash, beside the restart. */
export interface Findings {
  readonly system: SystemState;
  readonly diagnostic: DiagnosticReport | null;
  /** Who has the port that it could not have. */
  readonly takenPort: TakenPort | null;
}

/** Builds the report of a crash. Pure. */
export function buildReport(crash: Crash, { system, diagnostic, takenPort }: Findings): CrashReport {
  const { verdict, usage, hung } = crash;
  const heap = hung?.node && 'heap' in hung.node ? hung.node.heap : null;
  const report: CrashReport = {
    crash_id: crash.crash,
    timestamp: iso(crash.at),
    crash_type: verdict.type,
    severity: verdict.severity,
    component: crash.component,
    exception_type: verdict.exception?.type ?? null,
    exception_message: verdict.exception?.message ?? null,
    stack_trace: verdict.exception?.stack ?? (hung ? hungStack(hung) : null),
    system_state: { ...system, agent_process: agentProcess(crash, system.memory.total_gb) },
    memory_dump_summary: {
      process_memory_mb: mebibytesOf(usage),
      ...diagnostic?.heap,
      ...heap,
    },
    active_threads: hung?.processes.flatMap(threadsOf) ?? diagnostic?.activeThreads ?? [],
    open_resources: hung?.resources ?? diagnostic?.openResources ?? [],
    recent_logs: [...lastLines('stdout', crash.stdoutTail), ...lastLines('stderr', crash.stderrTail)],
    recovery_attempted: false,
    recovery_successful: null,
    additional_context: {
      exit_code: crash.exit.code,
      signal: crash.exit.signal,
      uptime_seconds: crash.uptimeMs / 1_000,
      incarnation: crash.incarnation,
      error_type: verdict.errorType,
      signature: verdict.signature,
      rule: verdict.rule,
      command: crash.command,
      killed_for: crash.killedFor?.why ?? null,
      hung: hung ? hungContext(hung) : null,
      port_in_use: takenPort,
      diagnostic_report: diagnostic?.file ?? null,
      node_trigger: diagnostic?.trigger ?? null,
    },
  };
  return createMask(crash.env).deep(report) as CrashReport;
}

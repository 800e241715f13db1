import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { systemClock } from '../clock.ts';
import { datedId } from '../digest.ts';
import { classify } from './classify.ts';
import { readKernelStack, readThreads } from './hung/kernel.ts';
import { readResources } from './hung/resources.ts';
import { mainStack } from './main-stack.ts';
import { createMask } from './mask.ts';
import { threadsOf, type CrashReport } from './report.ts';
import type { Stall, StallWatchPlan } from './stall-watch.ts';
import { storeReport } from './store-report.ts';
import { readSystemState } from './system-state.ts';
import { iso } from '../format.ts';

/** Whose crash it is in reports: no component has this name. */
const DAEMON = 'paramedic';
const STACK_MS = 2_000;
const LOG_BYTES = 16 * 1_024;
const LOG_LINES = 50;
const MIB = 2 ** 20;

function lastLines(file: string): string[] {
  try {
    const fd = openSync(file, 'r');
    try {
      const { size } = fstatSync(fd);
      const buffer = Buffer.alloc(Math.min(size, LOG_BYTES));
      readSync(fd, buffer, 0, buffer.length, size - buffer.length);
      const lines = buffer.toString('utf8').trimEnd().split('\n');
      return lines.slice(-LOG_LINES);
    } finally {
      closeSync(fd);
    }
  } catch {
    return [];
  }
}

/** Writes down what the main thread does while it hears nobody. Called on another thread. */
export async function reportStall(
  { folder, logFile, version, ends }: StallWatchPlan,
  { stalledMs, cpuRatio }: { readonly stalledMs: number; readonly cpuRatio: number | null },
): Promise<Stall> {
  const at = systemClock.now();
  const { pid } = process;
  // The kernel first: asking the main thread changes what it does.
  const [threads, kernelStack] = [readThreads(pid), readKernelStack(pid)];
  const stack = await mainStack(STACK_MS);
  const verdict = classify({
    exit: { code: null, signal: null },
    stderrTail: '',
    told: null,
    killedFor: { why: 'hang', cpuRatio },
    oomKilled: null,
    kernelSays: null,
    memoryShare: null,
    adopted: false,
  });
  const crash = datedId('CRASH', at);
  const system = await readSystemState(folder, systemClock);
  const { rss, heapTotal, heapUsed } = process.memoryUsage();
  const megabytes = (bytes: number) => Math.round(bytes / MIB);
  const frames = 'frames' in stack ? stack.frames : [];
  const shown = frames.length > 0 ? frames : kernelStack.map((name) => `at ${name} (kernel)`);
  const report: CrashReport = {
    crash_id: crash,
    timestamp: iso(at),
    crash_type: verdict.type,
    severity: ends ? 'critical' : verdict.severity,
    component: DAEMON,
    exception_type: null,
    exception_message: null,
    stack_trace: shown.length === 0 ? null : shown.map((frame) => `    ${frame}`).join('\n'),
    system_state: {
      ...system,
      agent_process: {
        pid,
        status: threads[0]?.state ?? null,
        cpu_percent: cpuRatio === null ? null : Math.round(cpuRatio * 100),
        memory_info_mb: megabytes(rss),
        num_threads: threads.length,
        create_time: iso(at - process.uptime() * 1_000),
      },
    },
    memory_dump_summary: {
      process_memory_mb: megabytes(rss),
      heap_total_mb: megabytes(heapTotal),
      heap_used_mb: megabytes(heapUsed),
    },
    active_threads: threadsOf({ pid, command: [], threads, kernelStack }),
    open_resources: readResources(pid),
    recent_logs: lastLines(logFile),
    recovery_attempted: ends,
    recovery_successful: null,
    additional_context: {
      stalled_seconds: stalledMs / 1_000,
      cpu_ratio: cpuRatio,
      error_type: verdict.errorType,
      signature: verdict.signature,
      rule: verdict.rule,
      command: process.argv,
      version,
      no_javascript_stack: 'why' in stack ? stack.why : null,
      ends_itself: ends,
    },
  };
  const env = Object.fromEntries(Object.entries(process.env).map(([name, value]) => [name, value ?? '']));
  const file = await storeReport(folder, crash, createMask(env).deep(report));
  return { crash, crashType: verdict.type, stalledMs, file };
}

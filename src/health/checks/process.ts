import system from 'node:process';
import { z } from 'zod';
import type { ProcessUsage } from '../../model/index.ts';
import { duration, formatDuration, formatSize, ratio, size } from '../../units.ts';
import { defineCheck, degraded, healthy, unhealthy, unknown, type CheckContext, type CheckResult } from '../check.ts';
import { isFileState, lookAtFile } from '../file-probe.ts';
import { beganAt, usageByName, usageOf } from '../proc-usage.ts';

const percent = (value: number) => `${Math.round(value * 100)}%`;

/** What of the usage is above its limit, as `[name, sentence]`. */
function excesses(usage: ProcessUsage, limits: Limits): [string, string][] {
  const over = (name: string, value: number | null, limit: number | undefined, show: (value: number) => string) =>
    value !== null && limit !== undefined && value > limit
      ? [[name, `${name} ${show(value)} above ${show(limit)}`] as [string, string]]
      : [];
  return [
    ...over('memory', usage.residentBytes, limits.max_memory, formatSize),
    ...over('cpu', usage.cpuRatio, limits.max_cpu, percent),
    ...over('descriptors', usage.openFds, limits.max_fds, String),
    ...over('processes', usage.processes, limits.max_processes, String),
  ];
}

const options = z.strictObject({
  name: z
    .string()
    .min(1)
    .optional()
    .describe("Name of the program to look for; default: the component's own processes."),
  pid_file: z
    .string()
    .min(1)
    .optional()
    .describe('File that a process has written its id to, in place of `name`; children of it are not counted.'),
  max_memory: size().optional().describe('Resident memory of the process tree above which it is unhealthy.'),
  max_cpu: ratio().optional().describe('CPU of the process tree, 100% is one core, above which it is unhealthy.'),
  max_fds: z.number().int().min(1).optional().describe('Open file descriptors above which it is unhealthy.'),
  max_processes: z.number().int().min(1).optional().describe('Processes in the tree above which it is unhealthy.'),
  for: duration().default(0).describe('A limit must be passed for this long; until then it is degraded.'),
});
type Limits = z.output<typeof options>;

export const process = defineCheck({
  kind: 'process',
  summary: 'Healthy while the process lives and stays within its limits.',
  options: options.refine(({ name, pid_file }) => name === undefined || pid_file === undefined, {
    error: () => 'expected `name` or `pid_file`, not both',
  }),
  run(limits, context) {
    const { subject, memory, clock } = context;
    if (limits.pid_file !== undefined)
      return usageByPidFile(limits.pid_file, context).then((found) =>
        'status' in found ? found : judge(found, limits, memory, clock),
      );
    const own = limits.name === undefined;
    const usage = limits.name === undefined ? subject.usage() : usageByName(limits.name, memory, clock.monotonic());
    if (usage === undefined) return unknown('processes cannot be read on this system');
    if (usage === null && own) return subject.process() === null ? unknown('no process to look at') : untold(limits);
    if (usage === null) return unhealthy(`no process named "${limits.name}"`, 9);
    return judge(usage, limits, memory, clock);
  },
});

/** Started this much later than its id was written, a process is another one with the same id. */
const SAME_PROCESS_MS = 5_000;

async function usageByPidFile(given: string, context: CheckContext): Promise<ProcessUsage | CheckResult> {
  const file = await lookAtFile(given, 64, context);
  if (!isFileState(file)) return { ...file, severity: Math.max(file.severity, 9) };
  const pid = Number(/^\s*(\d{1,10})\s*$/m.exec(file.text)?.[1] ?? Number.NaN);
  if (!(pid > 0))
    return file.text.trim() === '' ? unknown(`${file.path} is empty`) : unhealthy(`${file.path} holds no process id`);
  if (system.platform !== 'linux')
    return isThere(pid) ? healthy(`process ${pid} lives`) : unhealthy(`process ${pid} has gone`, 9);
  const began = beganAt(pid);
  if (began === null) return unhealthy(`process ${pid} of ${file.path} has gone`, 9);
  if (began > file.writtenAt + SAME_PROCESS_MS)
    return unhealthy(`process ${pid} of ${file.path} has gone; its id belongs to another process now`, 9);
  return usageOf([String(pid)], context.memory, context.clock.monotonic());
}

function isThere(pid: number): boolean {
  try {
    return system.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function judge(
  usage: ProcessUsage,
  limits: Limits,
  memory: Map<string, number>,
  clock: CheckContext['clock'],
): CheckResult {
  const over = excesses(usage, limits);
  const [worst] = lasting(over, memory, clock).toSorted((a, b) => b.ms - a.ms);
  if (!worst) return healthy(describe(usage));
  const message = over.map(([, sentence]) => sentence).join('; ');
  if (worst.ms >= limits.for)
    return unhealthy(limits.for > 0 ? `${message}, for ${formatDuration(worst.ms)}` : message);
  return degraded(`${message}, for ${formatDuration(worst.ms)} of ${formatDuration(limits.for)}`);
}

/** Its end is told by its exit: what the system does not tell is only what it uses, as on a system without /proc. */
function untold({ max_memory, max_cpu, max_fds, max_processes }: Limits): CheckResult {
  const limited = [max_memory, max_cpu, max_fds, max_processes].some((limit) => limit !== undefined);
  return limited ? unknown('the system does not tell what it uses') : healthy('it lives');
}

/** How long each excess has lasted without a break. */
function lasting(over: [string, string][], memory: Map<string, number>, clock: CheckContext['clock']) {
  const now = clock.monotonic();
  for (const name of ['memory', 'cpu', 'descriptors', 'processes']) {
    if (!over.some(([found]) => found === name)) memory.delete(`over ${name}`);
  }
  return over.map(([name]) => {
    const since = memory.get(`over ${name}`) ?? now;
    memory.set(`over ${name}`, since);
    return { name, ms: now - since };
  });
}

function describe({ processes, residentBytes, cpuRatio, openFds }: ProcessUsage): string {
  return [
    `${processes} process${processes === 1 ? '' : 'es'}`,
    ...(residentBytes === null ? [] : [formatSize(residentBytes)]),
    ...(cpuRatio === null ? [] : [`${percent(cpuRatio)} CPU`]),
    ...(openFds === null ? [] : [`${openFds} descriptors`]),
  ].join(', ');
}

import { z } from 'zod';
import { ratio } from '../../units.ts';
import { critical, defineCheck, degraded, healthy, unknown } from '../check.ts';
import { cpuRatioBetween, readMachine } from '../proc.ts';

const options = z.strictObject({
  cpu_warning: ratio().default(0.75).describe('CPU in use above which the host is degraded.'),
  cpu_critical: ratio().default(0.9).describe('CPU in use above which the host is critical.'),
  memory_warning: ratio().default(0.8).describe('Memory in use above which the host is degraded.'),
  memory_critical: ratio().default(0.9).describe('Memory in use above which the host is critical.'),
  max_processes: z.number().int().min(1).default(500).describe('Processes above which the host is degraded.'),
  max_handles: z.number().int().min(1).default(50_000).describe('Open handles above which the host is degraded.'),
  max_threads: z.number().int().min(1).optional().describe('Threads above which the host is degraded; default: any.'),
});

const percent = (value: number) => `${(value * 100).toFixed(1)}%`;

export const system = defineCheck({
  kind: 'system',
  summary: 'Healthy while CPU, memory, processes, threads and open handles of the machine stay below their limits.',
  options,
  run(limits, { memory }) {
    const { cpu, ...counts } = readMachine();
    const [busy, total] = [memory.get('cpu busy'), memory.get('cpu total')];
    const before = busy === undefined || total === undefined ? null : { busy, total };
    if (cpu) memory.set('cpu busy', cpu.busy).set('cpu total', cpu.total);
    return judgeSystem({ cpuRatio: cpuRatioBetween(before, cpu), ...counts }, limits, cpu !== null);
  },
});

export interface SystemReading {
  readonly cpuRatio: number | null;
  readonly memoryRatio: number | null;
  readonly processes: number | null;
  readonly handles: number | null;
  readonly threads: number | null;
}

/**
 * The specification's table: above warning 5, too many processes, handles or threads 6, above critical 9; from 9 on critical.
 * @param cpuReadable the first reading of a life has no ratio yet, but is not blind.
 */
export function judgeSystem(reading: SystemReading, limits: z.output<typeof options>, cpuReadable = false) {
  const { cpuRatio, memoryRatio, processes, handles, threads } = reading;
  const issues: { text: string; severity: number }[] = [];
  const judge = (name: string, value: number | null, warning: number, bad: number) => {
    if (value === null || value <= warning) return;
    issues.push(
      value > bad
        ? { text: `${name} critical: ${percent(value)}`, severity: 9 }
        : { text: `${name} high: ${percent(value)}`, severity: 5 },
    );
  };
  const count = (name: string, value: number | null, limit: number) => {
    if (value !== null && value > limit) issues.push({ text: `too many ${name}: ${value}`, severity: 6 });
  };
  judge('CPU', cpuRatio, Math.min(limits.cpu_warning, limits.cpu_critical), limits.cpu_critical);
  judge('memory', memoryRatio, Math.min(limits.memory_warning, limits.memory_critical), limits.memory_critical);
  count('processes', processes, limits.max_processes);
  count('open handles', handles, limits.max_handles);
  count('threads', threads, limits.max_threads ?? Infinity);
  if (!cpuReadable && Object.values(reading).every((value) => value === null)) {
    return unknown('nothing of this machine can be read');
  }
  const severity = Math.max(0, ...issues.map((issue) => issue.severity));
  const message = issues.map(({ text }) => text).join('; ');
  if (severity >= 9) return critical(message, severity);
  if (severity > 0) return degraded(message, severity);
  const known = [
    ...(cpuRatio === null ? [] : [`CPU ${percent(cpuRatio)}`]),
    ...(memoryRatio === null ? [] : [`memory ${percent(memoryRatio)}`]),
    ...(processes === null ? [] : [`${processes} processes`]),
    ...(threads === null ? [] : [`${threads} threads`]),
  ];
  return healthy(known.join(', ') || 'nothing unusual');
}

import { describe, expect, it } from 'vitest';
import { judgeSystem, system } from '../../../src/health/checks/system.ts';
import {
  cpuRatioBetween,
  parseCpu,
  parseHandles,
  parseMemory,
  parseThreads,
  readMachine,
} from '../../../src/health/proc.ts';
import { context } from '../context.ts';
import { tempFolder } from '../../support/temp.ts';

const limits = {
  cpu_warning: 0.75,
  cpu_critical: 0.9,
  memory_warning: 0.8,
  memory_critical: 0.9,
  max_processes: 500,
  max_handles: 50_000,
};
const calm = { cpuRatio: 0.1, memoryRatio: 0.2, processes: 100, handles: 1_000, threads: 900 };
const blind = { cpuRatio: null, memoryRatio: null, processes: null, handles: null, threads: null };

describe('the machine', () => {
  it.each([
    { reading: calm, status: 'healthy', severity: 0, message: 'CPU 10.0%, memory 20.0%, 100 processes, 900 threads' },
    { reading: { ...calm, cpuRatio: 0.75 }, status: 'healthy', severity: 0 },
    { reading: { ...calm, cpuRatio: 0.76 }, status: 'degraded', severity: 5, message: 'CPU high: 76.0%' },
    { reading: { ...calm, cpuRatio: 0.9 }, status: 'degraded', severity: 5 },
    { reading: { ...calm, cpuRatio: 0.91 }, status: 'critical', severity: 9, message: 'CPU critical: 91.0%' },
    { reading: { ...calm, memoryRatio: 0.8 }, status: 'healthy', severity: 0 },
    { reading: { ...calm, memoryRatio: 0.81 }, status: 'degraded', severity: 5 },
    { reading: { ...calm, memoryRatio: 0.95 }, status: 'critical', severity: 9 },
    { reading: { ...calm, processes: 500 }, status: 'healthy', severity: 0 },
    { reading: { ...calm, processes: 501 }, status: 'degraded', severity: 6, message: 'too many processes: 501' },
    { reading: { ...calm, handles: 50_001 }, status: 'degraded', severity: 6 },
    { reading: { ...calm, threads: 1_000_000 }, status: 'healthy', severity: 0 },
    {
      reading: { ...calm, processes: 501, cpuRatio: 0.95 },
      status: 'critical',
      severity: 9,
      message: 'CPU critical: 95.0%; too many processes: 501',
    },
    { reading: { ...blind, memoryRatio: 0.5 }, status: 'healthy', severity: 0, message: 'memory 50.0%' },
    { reading: blind, status: 'unknown', severity: 0, message: 'nothing of this machine can be read' },
  ])('with $reading is $status', ({ reading, ...expected }) => {
    expect(judgeSystem(reading, limits)).toMatchObject(expected);
  });

  it('is degraded by too many threads when a limit is set', () => {
    expect(judgeSystem(calm, { ...limits, max_threads: 899 })).toMatchObject({
      status: 'degraded',
      severity: 6,
      message: 'too many threads: 900',
    });
  });

  it('needs two readings for the CPU and keeps the first in its memory', async () => {
    const same = context();
    const options = system.options.parse({
      max_processes: 1_000_000,
      max_handles: 100_000_000,
      cpu_critical: 2,
      memory_critical: 2,
    });
    expect((await system.run(options, same)).message).not.toContain('CPU');
    const deadline = performance.now() + 50;
    while (performance.now() < deadline);
    expect((await system.run(options, same)).message).toContain('CPU');
  });
});

describe('readings of /proc', () => {
  it('sees CPU time as busy unless it is idle or waits for a disk', () => {
    expect(parseCpu('cpu  100 10 50 800 40 5 5 0 7 7\ncpu0 1 2 3 4\n')).toEqual({ busy: 170, total: 1_010 });
    expect(cpuRatioBetween({ busy: 100, total: 1_000 }, { busy: 150, total: 1_200 })).toBe(0.25);
    expect(cpuRatioBetween(null, { busy: 1, total: 2 })).toBeNull();
    expect(cpuRatioBetween({ busy: 1, total: 2 }, { busy: 1, total: 2 })).toBeNull();
  });

  it('counts reclaimable memory as free', () => {
    expect(parseMemory('MemTotal:  1000 kB\nMemFree: 100 kB\nMemAvailable:  600 kB\n')).toBeCloseTo(0.4);
    expect(parseMemory('MemTotal: 1000 kB\n')).toBeNull();
  });

  it('takes the first number of file-nr', () => {
    expect(parseHandles('1234\t0\t9223372036854775807\n')).toBe(1_234);
  });

  it('finds all threads in loadavg', () => {
    expect(parseThreads('0.20 0.18 0.12 1/1080 11206\n')).toBe(1_080);
    expect(parseThreads('0.20')).toBeNull();
  });

  it.each(['', 'cpu\n', 'cpu a b c d\n', 'intr 1 2 3 4'])('knows nothing from %j', (text) => {
    expect([parseCpu(text), parseMemory(text), parseHandles(text)]).toEqual([null, null, null]);
  });

  it('leaves out what cannot be read', () => {
    expect(readMachine(tempFolder())).toEqual({
      cpu: null,
      memoryRatio: null,
      processes: null,
      handles: null,
      threads: null,
    });
  });

  it.runIf(process.platform === 'linux')('finds all of it on this machine', () => {
    const { cpu, memoryRatio, processes, handles, threads } = readMachine();
    expect(threads).toBeGreaterThan(1);
    expect(cpu!.total).toBeGreaterThan(cpu!.busy);
    expect(memoryRatio).toBeGreaterThan(0);
    expect(processes).toBeGreaterThan(1);
    expect(handles).toBeGreaterThan(1);
  });
});

import { describe, expect, it } from 'vitest';
import { readUsage } from '../../src/drivers/tree.ts';

describe('the usage of a process tree', () => {
  it('has a ratio only of what lies a tenth of a second apart, and repeats it in between', () => {
    const first = readUsage(process.pid, 0, null);
    expect(first?.usage).toMatchObject({ cpuRatio: null, processes: expect.any(Number) });
    const soon = readUsage(process.pid, 50, first);
    expect(soon).toMatchObject({ at: 0, usage: { cpuRatio: null } });
    const later = readUsage(process.pid, 1_000, { ...first!, cpuTicks: (first?.cpuTicks ?? 0) - 50 });
    expect(later?.usage.cpuRatio).toBeGreaterThanOrEqual(0.5);
    expect(readUsage(process.pid, 1_050, later)?.usage.cpuRatio).toBe(later?.usage.cpuRatio);
  });

  it('is never below nothing when a member has left with its share', () => {
    const before = readUsage(process.pid, 0, null);
    expect(readUsage(process.pid, 200, { ...before!, cpuTicks: 1e9 })?.usage.cpuRatio).toBe(0);
  });

  it('is null of what has gone', () => {
    expect(readUsage(2 ** 30, 0, null)).toBeNull();
  });
});

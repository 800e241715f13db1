import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openFds, readStat } from '../../src/drivers/proc.ts';
import { readUsage } from '../../src/drivers/tree.ts';

describe('the usage of a process tree', () => {
  const self = readStat(process.pid)!;

  it('has a ratio only of what lies a tenth of a second apart, and repeats it in between', () => {
    const first = readUsage(self, 0, null);
    expect(first.usage).toMatchObject({ cpuRatio: null, processes: expect.any(Number) });
    const soon = readUsage(self, 50, first);
    expect(soon).toMatchObject({ at: 0, usage: { cpuRatio: null } });
    const later = readUsage(self, 1_000, { ...first, cpuTicks: first.cpuTicks - 50 });
    expect(later.usage.cpuRatio).toBeGreaterThanOrEqual(0.5);
    expect(readUsage(self, 1_050, later)?.usage.cpuRatio).toBe(later.usage.cpuRatio);
  });

  it('is never below nothing when a member has left with its share', () => {
    const before = readUsage(self, 0, null);
    expect(readUsage(self, 200, { ...before, cpuTicks: 1e9 })?.usage.cpuRatio).toBe(0);
  });

  it('counts children of a process with one thread, and the descriptors it holds', async () => {
    const child = spawn('sh', ['-c', 'exec 7</dev/null; sleep 30 & echo; wait'], {
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    });
    onTestFinished(() => void process.kill(-(child.pid ?? 0), 'SIGKILL'));
    await once(child.stdout, 'data');
    const shell = readStat(child.pid ?? 0)!;
    expect(shell.threads).toBe(1);
    expect(readUsage(shell, 0, null).usage.processes).toBe(2);
    expect(openFds(shell.pid)).toBe(readdirSync(`/proc/${shell.pid}/fd`).length);
  });
});

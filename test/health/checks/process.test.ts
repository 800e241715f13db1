import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { process as check } from '../../../src/health/checks/process.ts';
import type { ProcessUsage } from '../../../src/model/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { tempFolder, until } from '../../support/temp.ts';
import { context } from '../context.ts';

const calm: ProcessUsage = { cpuRatio: 0.2, residentBytes: 50 * 2 ** 20, openFds: 12, processes: 2 };
const identity = { pid: 4_711, startTime: 1, bootId: 'boot' };

describe('process check', () => {
  it.each([
    { limits: {}, usage: calm, status: 'healthy', message: '2 processes, 50 MiB, 20% CPU, 12 descriptors' },
    { limits: { max_memory: '50MiB' }, usage: calm, status: 'healthy' },
    { limits: { max_memory: '49MiB' }, usage: calm, status: 'unhealthy', message: 'memory 50 MiB above 49 MiB' },
    { limits: { max_cpu: '10%' }, usage: calm, status: 'unhealthy', message: 'cpu 20% above 10%' },
    { limits: { max_cpu: '10%' }, usage: { ...calm, cpuRatio: null }, status: 'healthy' },
    { limits: { max_fds: 11, max_processes: 1 }, usage: calm, message: 'descriptors 12 above 11; processes 2 above 1' },
    { limits: {}, usage: null, status: 'healthy', message: 'it lives' },
    { limits: { max_memory: 1 }, usage: null, status: 'unknown', message: 'the system does not tell what it uses' },
  ])('within $limits: $usage is $status', async ({ limits, usage, ...expected }) => {
    const asked = context({}, { process: () => identity, usage: () => usage });
    expect(await check.run(check.options.parse(limits), asked)).toMatchObject(expected);
  });

  it('is unknown without a process', async () => {
    expect(await check.run(check.options.parse({}), context())).toMatchObject({ status: 'unknown' });
  });

  it('waits until a limit has been passed for as long as it says, without a break', async () => {
    const clock = new FakeClock();
    let usage = { ...calm, cpuRatio: 2 };
    const asked = context({ clock }, { process: () => identity, usage: () => usage });
    const options = check.options.parse({ max_cpu: '95%', for: '1m' });
    const status = async (ms: number) => {
      await clock.advance(ms);
      return (await check.run(options, asked)).status;
    };
    expect([await status(0), await status(59_000), await status(1_000)]).toEqual(['degraded', 'degraded', 'unhealthy']);
    usage = calm as typeof usage;
    expect(await status(1_000)).toBe('healthy');
    usage = { ...calm, cpuRatio: 2 };
    expect(await status(59_999)).toBe('degraded');
  });

  it.runIf(process.platform === 'linux')('finds processes by the name of their program', async () => {
    const asked = context();
    const program = `${tempFolder()}/paramedic-test-sleeper`;
    const options = check.options.parse({ name: 'paramedic-test-sleeper' });
    expect(await check.run(options, asked)).toMatchObject({ message: 'no process named "paramedic-test-sleeper"' });
    symlinkSync(process.execPath, program);
    const child = spawn(program, ['-e', 'setTimeout(() => {}, 60e3)']);
    try {
      const found = await until('the process is seen', async () => {
        const result = await check.run(options, asked);
        return result.status === 'healthy' && result;
      });
      expect(found.message).toMatch(/^1 process, \d+.*MiB.* descriptors$/);
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  });

  it.runIf(process.platform === 'linux')(
    'finds a process by its pid file, and is not fooled by a stale one',
    async () => {
      const pidFile = `${tempFolder()}/daemon.pid`;
      const asked = context();
      const found = () => check.run(check.options.parse({ pid_file: pidFile }), asked);
      expect(await found()).toMatchObject({ status: 'unhealthy', message: expect.stringContaining('does not exist') });
      writeFileSync(pidFile, '');
      expect(await found()).toMatchObject({ status: 'unknown' });
      writeFileSync(pidFile, 'none\n');
      expect(await found()).toMatchObject({ status: 'unhealthy', message: expect.stringContaining('no process id') });
      const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60e3)']);
      try {
        writeFileSync(pidFile, `${child.pid}\n`);
        expect(await found()).toMatchObject({ status: 'healthy', message: expect.stringMatching(/^1 process, /) });
        const before = new Date(Date.now() - 3_600_000);
        utimesSync(pidFile, before, before);
        expect(await found()).toMatchObject({
          status: 'unhealthy',
          message: expect.stringContaining('another process'),
        });
        writeFileSync(pidFile, `${child.pid}\n`);
      } finally {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      expect(await found()).toMatchObject({ status: 'unhealthy', severity: 9 });
    },
  );

  it('takes one way to find it', () => {
    expect(check.options.safeParse({ name: 'a', pid_file: 'b' }).success).toBe(false);
  });
});

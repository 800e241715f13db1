import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isAlive, Site } from '../support/daemon.ts';
import { FakeSystemd } from '../support/fake-systemd.ts';
import { until } from '../support/temp.ts';

const INIT_SCRIPT = `#!/bin/sh
case $1 in
  start) setsid sleep 1000 > /dev/null 2>&1 & echo $! > pid ;;
  stop) kill "$(cat pid)" ;;
  status) grep -q '^State:.[^Z]' "/proc/$(cat pid)/status" 2>/dev/null || exit 3 ;;
esac
`;

const ctl = (word: string) => ['/bin/sh', './ctl', word];
const commands = { start: ctl('start'), stop: ctl('stop'), status: ctl('status'), interval: '100ms' };

describe('a component with commands of its own', () => {
  it('outlives the daemon, is healed as any other, and is stopped with it', async () => {
    const site = new Site({ components: { db: { commands, restart: { policy: 'immediate' } } } });
    site.write('ctl', INIT_SCRIPT);
    const pid = () => Number(readFileSync(join(site.folder, 'pid'), 'utf8'));
    await site.start();
    expect(await site.untilState('db', 'running')).toMatchObject({ kind: 'commands', pid: null, adopted: false });
    expect(await site.metrics()).toMatch(/paramedic_component_info\{.*component="db".*kind="commands".*\} 1/);
    const first = pid();

    await site.end('SIGKILL');
    await site.start();
    expect(await site.untilState('db', 'running')).toMatchObject({ adopted: true, restarts: 0, crashes: 0 });
    expect(pid()).toBe(first);
    expect(isAlive(first)).toBe(true);

    process.kill(first, 'SIGKILL');
    await until('a restart', async () => {
      const { restarts, crashes, state } = await site.component('db');
      return restarts === 1 && crashes === 1 && state === 'running';
    });
    expect(pid()).not.toBe(first);

    expect(await site.api('POST', 'components/db/restart')).toMatchObject({
      status: 200,
      body: { message: 'db is ready (commands db)' },
    });
    await site.end();
    expect(isAlive(pid())).toBe(false);
  });

  it('that died while no daemon looked is started again', async () => {
    const site = new Site({ components: { db: { commands, restart: { policy: 'immediate' } } } });
    site.write('ctl', INIT_SCRIPT);
    const pid = () => Number(readFileSync(join(site.folder, 'pid'), 'utf8'));
    await site.start();
    await site.untilState('db', 'running');
    const first = pid();
    await site.end('SIGKILL');
    process.kill(first, 'SIGKILL');
    await site.start();
    expect(await site.untilState('db', 'running')).toMatchObject({ adopted: false, restarts: 1, crashes: 1 });
    expect(pid()).not.toBe(first);
    await site.end();
    expect(isAlive(pid())).toBe(false);
  });
});

describe('a unit of systemd', () => {
  it('is healed by us, and goes on running when the daemon dies or is told to leave it', async () => {
    const systemd = new FakeSystemd();
    const unit = 'redis.service';
    systemd.define(unit, 'exec sleep 600');
    const site = new Site({
      components: {
        redis: {
          systemd: { unit: 'redis', interval: '100ms', keep_running: true },
          checks: { itself: { process: { max_memory: '1GiB' } } },
          restart: { policy: 'immediate' },
        },
      },
    });
    onTestFinished(() => systemd.kill(unit));
    systemd.set(unit, 'memory', '4096');
    const path = { PATH: systemd.path };
    await site.start([], path);
    const first = await site.untilState('redis', 'running');
    expect(first).toMatchObject({ kind: 'systemd', pid: systemd.pid(unit), adopted: false });

    await site.end('SIGKILL');
    await site.start([], path);
    expect(await site.untilState('redis', 'running')).toMatchObject({ pid: first.pid, adopted: true, crashes: 0 });

    systemd.define(unit, 'sleep 0.5; exit 3');
    await systemd.kill(unit);
    await until('a crash that systemd has named', async () => {
      const { crashes } = (await site.api('GET', 'crashes')).body as { crashes: { type: string; exit_code: number }[] };
      return crashes.some(({ type, exit_code }) => type === 'service_failure' && exit_code === 3);
    });
    systemd.define(unit, 'exec sleep 600');
    await until('a run that lasts', async () => {
      const { state, pid } = await site.component('redis');
      return (
        state === 'running' &&
        pid !== null &&
        systemd.runs(unit) &&
        readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('600')
      );
    });

    const { pid } = await site.component('redis');
    await site.end('SIGTERM');
    expect(systemd.runs(unit)).toBe(true);
    await site.start([], path);
    expect(await site.untilState('redis', 'running')).toMatchObject({ pid, adopted: true });
  });
});

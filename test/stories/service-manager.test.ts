import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readStat } from '../../src/drivers/proc.ts';
import { openChannel } from '../../src/service/channel.ts';
import { isAlive, paramedic, Site, sleeper } from '../support/daemon.ts';
import { receiveNotifications } from '../support/notify-receiver.ts';
import { until } from '../support/temp.ts';

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe.runIf(process.platform === 'linux')('a daemon under a service manager', () => {
  it('says when it supervises, that it lives, that it reloads and that it stops', async () => {
    const site = new Site({ components: { mail: sleeper() } });
    const address = join(site.folder, 'notify');
    const manager = await receiveNotifications(address);
    const child = site.launch(['--service'], { NOTIFY_SOCKET: address, WATCHDOG_USEC: '1000000' });
    await until('READY=1', () => manager.count('READY=1') === 1, 60_000);
    expect((await fetch(`${site.url}/readyz`)).status).toBe(200);
    await site.untilState('mail', 'running');
    await until('the status', () => manager.said('STATUS') === 'healthy; 1 component: 1 running');
    await until('three beats', () => manager.count('WATCHDOG=1') >= 3);

    site.configure({ components: { mail: sleeper(), agent: sleeper() } });
    child.kill('SIGHUP');
    await until('READY=1 after the reload', () => manager.count('READY=1') === 2);
    expect(manager.heard.some(({ text }) => /^RELOADING=1\nMONOTONIC_USEC=\d+\n/.test(text))).toBe(true);
    site.configure({ components: 7 });
    child.kill('SIGHUP');
    await until('READY=1 after a refused reload', () => manager.count('READY=1') === 3);
    expect((await site.status()).components.map(({ name }) => name)).toEqual(['mail', 'agent']);

    expect(await site.end()).toBe(0);
    await until('STOPPING=1', () => manager.count('STOPPING=1') === 1);
    expect(manager.said('STATUS')).toBe('stopping');
    // The manager counts only what comes from its main process.
    expect(new Set(manager.heard.map(({ pid }) => pid))).toEqual(new Set([child.pid]));
  });

  it('is silent while it hangs, so that the watchdog sees it', async () => {
    const site = new Site({ components: {} });
    const address = `@paramedic-test-hang-${process.pid}`;
    const manager = await receiveNotifications(address);
    const child = site.launch(['--service'], { NOTIFY_SOCKET: address, WATCHDOG_USEC: '400000' });
    await until('a beat', () => manager.count('WATCHDOG=1') >= 2, 60_000);
    // What comes through one socket comes in order: what we say ourselves is heard after all that was said before.
    const channel = openChannel(address, '');
    onTestFinished(() => channel.close());
    const say = async (word: string) => {
      await channel.send(word);
      await until(word, () => manager.count(word) === 1);
      return manager.count('WATCHDOG=1');
    };
    child.kill('SIGSTOP');
    await until('it to stand still', () => readStat(child.pid ?? 0)?.state === 'T');
    const before = await say('X_STOPPED=1');
    await wait(1_000);
    expect(await say('X_STILL_STOPPED=1')).toBe(before);
    child.kill('SIGCONT');
    await until('a beat again', () => manager.count('WATCHDOG=1') > before);
  });

  it('keeps the words of the manager from its components', async () => {
    const site = new Site({
      components: {
        curious: {
          command: ['sh', '-c', 'env >env.txt; exec sleep 1000'],
          env_inherit: ['PATH', 'PARAMEDIC_TEST', 'NOTIFY_SOCKET', 'WATCHDOG_USEC'],
        },
      },
    });
    await site.start(['--service'], { NOTIFY_SOCKET: '@paramedic-test-nobody', WATCHDOG_USEC: '1000000' });
    const seen = await until('the environment', () => site.read('env.txt')?.includes('PATH=') && site.read('env.txt'));
    expect(seen).not.toMatch(/NOTIFY_SOCKET|WATCHDOG/);
    // Nobody listens there: it supervises all the same, and the log says so.
    const complaint = 'service manager: @paramedic-test-nobody: ECONNREFUSED';
    await until('a line in the log', () => site.read('.paramedic/logs/paramedic.log')?.includes(complaint));
    const { pid } = await site.component('curious');
    expect(isAlive(pid!)).toBe(true);
  });

  it('does not go into the background by itself', async () => {
    const site = new Site({ components: {} });
    expect(await paramedic(['start', '--service', '--detach', '--config', site.file])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: '--service and --detach exclude each other: a service manager waits for us itself.\n',
    });
  });
});

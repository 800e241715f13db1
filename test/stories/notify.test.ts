import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Site } from '../support/daemon.ts';
import { until } from '../support/temp.ts';

/** A program that knows systemd and nothing of us; it does as the file `wish` says. */
const program = `
import os, socket, time
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
def say(words):
    try: manager.sendto(words.encode(), '\\0' + os.environ['NOTIFY_SOCKET'][1:])
    except OSError: pass
assert float(os.environ['WATCHDOG_USEC']) == 20e6
while not os.path.exists('ready'): time.sleep(0.02)
say('READY=1' if os.path.exists('terse') else 'READY=1\\nSTATUS=warm')
while True:
    wish = open('wish').read() if os.path.exists('wish') else 'WATCHDOG=1'
    say(wish)
    time.sleep(0.05)
`;

describe.runIf(process.platform === 'linux')('a program that speaks to systemd', () => {
  const site = new Site(
    {
      restart: { max_restarts_per_hour: 1_000 },
      components: {
        daemon: {
          command: ['sh', '-c', 'python3 daemon.py; exit 1'],
          checks: { alive: { heartbeat: { timeout: '20s' }, interval: '100ms', failure_threshold: 1 } },
          restart: { policy: 'immediate', max_restarts: 1_000 },
          start: { timeout: '60s', period: 0 },
        },
        plain: { command: ['sh', '-c', 'env >env.txt; exec sleep 1000'] },
      },
    },
    afterAll,
  );
  beforeAll(async () => {
    site.write('daemon.py', program);
    await site.start();
  });
  const alive = async () => (await site.component('daemon')).checks[0];

  it('is ready when it says so, not when it runs', async () => {
    await until('its start', async () => (await site.component('daemon')).pid !== null);
    expect((await site.component('daemon')).state).toBe('starting');
    site.write('ready', '');
    await site.untilState('daemon', 'running');
    expect(await until('its words', async () => (await alive())?.message === 'warm' && alive())).toMatchObject({
      status: 'healthy',
    });
  });

  it('is heard, also by the next daemon', async () => {
    const { pid } = await site.component('daemon');
    await site.end('SIGKILL');
    await site.start();
    expect(await site.untilState('daemon', 'running')).toMatchObject({ pid, adopted: true });
    site.write('wish', 'WATCHDOG=1\nSTATUS=still here');
    await until('its words', async () => (await alive())?.message === 'still here');
  });

  it('that stops by itself is degraded, and one that asks for its end is ended as a hang', async () => {
    site.write('wish', 'STOPPING=1\nSTATUS=going');
    await until('its words', async () => (await alive())?.message === 'going');
    expect(await alive()).toMatchObject({ status: 'degraded' });
    const { pid } = await site.component('daemon');
    site.write('terse', '');
    site.write('wish', 'WATCHDOG=trigger');
    await until('its end', async () => (await site.component('daemon')).pid !== pid);
    site.write('wish', 'WATCHDOG=1');
    const decided = (await site.events('restart.decided')).filter(({ component }) => component === 'daemon');
    expect(decided[0]).toMatchObject({ reason: 'hang' });
    await site.untilState('daemon', 'running', pid);
    // What the last one said of itself is not the next one's.
    const next = await until('its words', async () => (await alive())?.status === 'healthy' && alive());
    expect(next?.message).not.toContain('going');
  });

  it('is asked only when its heartbeats are waited for', async () => {
    const env = await until('an environment', () => site.read('env.txt')?.includes('PATH=') && site.read('env.txt'));
    expect(env).not.toMatch(/NOTIFY_SOCKET|WATCHDOG_USEC/);
  });
});

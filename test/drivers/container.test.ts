import { describe, expect, it, onTestFinished } from 'vitest';
import { describeEngine } from '../contracts/engine.ts';
import type { FakeDocker } from '../support/fake-docker.ts';
import { until } from '../support/temp.ts';
import { containerStage as stage, settings } from './stages/container.ts';

type Staged = Awaited<ReturnType<typeof stage>>;

const inMood = (mood: FakeDocker['mood']) => (on: Staged) => {
  on.docker.mood = mood;
  return on.plan({ engine: { ...settings, timeout: 200 } });
};

describeEngine({
  name: 'a container of Docker',
  stage,
  tellsRuns: true,
  troubles: [
    {
      what: 'there is no Docker',
      make: (on) => on.plan({ engine: { ...settings, host: 'unix:///no/such/docker.sock' } }),
      says: /Docker does not answer at unix:\/\/\/no\/such\/docker\.sock: is it running\?/,
    },
    {
      what: 'its address is none',
      make: (on) => on.plan({ engine: { ...settings, host: 'ssh://far' } }),
      says: /Docker's address "ssh:\/\/far" cannot be used: ssh:\/\/ is not spoken here: forward the socket \(ssh -nNT -L .*\.$/,
    },
    { what: 'it may not be started', make: inMood('denied'), says: /authorization denied by plugin policy/ },
    { what: 'Docker does not answer', make: inMood('slow'), says: /: no answer within 200ms\.$/ },
    { what: 'somebody else answers', make: inMood('garbage'), says: /does not speak the API of Docker\.$/ },
    {
      what: 'it ended at once',
      make: (on) => {
        on.docker.get('redis').program = 'exit 3';
        on.docker.quick = true;
        return on.plan();
      },
      says: /Docker started it, and it ended at once \(exit code 3\)\.$/,
    },
  ],
});

describe('a container', () => {
  const begin = async () => {
    const on = await stage();
    const driver = on.driver();
    onTestFinished(() => driver.close());
    return { on, redis: on.docker.get('redis'), start: () => driver.start(on.plan()) };
  };

  it('is spoken of in the newest version that both sides know', async () => {
    const { on, start } = await begin();
    await (await start()).kill();
    expect([...on.docker.versions]).toEqual(['1.44']);
    const newer = await begin();
    newer.on.docker.apiVersion = '1.99';
    await (await newer.start()).kill();
    expect([...newer.on.docker.versions]).toEqual(['1.51']);
  });

  it('brings along what it wrote, by streams, and that it was killed for its memory', async () => {
    const { on, redis, start } = await begin();
    redis.program = 'echo out; echo err >&2; exec sleep 600';
    const running = await start();
    await until('its output', () => redis.output.length === 2);
    redis.oomKilled = true;
    await on.docker.kill('redis');
    expect(await running.exited).toEqual({ code: 137, signal: null });
    expect(running.verdict?.()).toEqual({ oomKilled: true, failure: null });
    expect([running.outputTail('stdout', 100), running.outputTail('stderr', 100)]).toEqual(['out\n', 'err\n']);
  });

  it('with a terminal has one stream', async () => {
    const { on, redis, start } = await begin();
    redis.tty = true;
    redis.program = 'echo both; exec sleep 600';
    const running = await start();
    await until('its output', () => redis.output.length === 1);
    await on.docker.kill('redis');
    await running.exited;
    expect(running.outputTail('stdout', 3)).toBe('th\n');
  });

  it('is known by its use of the machine and by its HEALTHCHECK', async () => {
    const { redis, start } = await begin();
    const running = await start();
    expect(running.process).toBeNull();
    expect(running.health?.()).toEqual({ status: 'healthy', message: 'it runs; it has no HEALTHCHECK' });
    redis.health = { Status: 'unhealthy', Log: [{ Output: 'no answer\nmore' }] };
    await until('its health', () => running.health?.()?.status === 'unhealthy');
    expect(running.health?.()?.message).toBe('no answer');
    const usage = await until('a reading', () => running.usage() ?? undefined);
    expect(usage).toEqual({ cpuRatio: null, residentBytes: 2 * 2 ** 20, openFds: null, processes: 1 });
    redis.paused = true;
    await until('its pause', () => running.health?.()?.message === 'it is paused');
    redis.paused = false;
    await running.kill();
  });

  it('may take longer to leave than Docker has to answer', async () => {
    const on = await stage();
    on.docker.get('redis').program = `trap 'sleep 3; exit 0' TERM; echo up; while :; do sleep 0.05; done`;
    const driver = on.driver();
    onTestFinished(() => driver.close());
    const running = await driver.start(on.plan({ engine: { ...settings, timeout: 2_500 } }));
    await until('it to be up', () => on.docker.get('redis').output.length > 0);
    expect(await running.stop({ signal: 'SIGTERM', timeout: 60_000 })).toMatchObject({ forced: false });
    expect(on.problems.join('\n')).not.toContain('did not take the stop');
  });

  it('that was removed, or that Docker will start again, has ended', async () => {
    const { on, redis, start } = await begin();
    const running = await start();
    redis.restarting = true;
    await running.exited;
    redis.restarting = false;
    const again = await start();
    on.docker.containers.delete('redis');
    await again.exited;
    expect(again.verdict?.()).toEqual({ oomKilled: null, failure: 'removed' });
    on.docker.containers.set('redis', redis);
  });

  it('is known to have ended at once, however seldom it is looked at', async () => {
    const on = await stage();
    const driver = on.driver();
    onTestFinished(() => driver.close());
    const running = await driver.start(on.plan({ engine: { ...settings, interval: 3_600_000 } }));
    await until('the wait', () => on.docker.asked.some((line) => line.startsWith('POST /containers/redis/wait')));
    await on.docker.kill('redis');
    await running.exited;
  });
});

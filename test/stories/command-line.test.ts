import { appendFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { client, isAlive, paramedic, script, Site, sleeper } from '../support/daemon.ts';
import { until } from '../support/temp.ts';

const eager = { policy: 'immediate', max_restarts: 100 };

describe('a daemon in the background', () => {
  const site = new Site(
    {
      components: {
        mail: script("console.log('mail is up'); console.error('and complains'); setInterval(() => {}, 1e6)", {
          restart: eager,
        }),
        agent: client('await line.restore(); await line.saveState({ step: 1 }); setInterval(() => {}, 1e6)', {
          restart: eager,
        }),
        never: sleeper({ restart: { policy: 'no_restart' } }),
      },
    },
    afterAll,
  );
  const run = (...args: string[]) => paramedic([...args, '--config', site.file]);
  /** One line of output, nothing else said, done. */
  const says = async (...args: string[]): Promise<string> => {
    const outcome = await run(...args);
    expect(outcome).toMatchObject({ code: 0, stderr: '' });
    return outcome.stdout;
  };
  let pid = 0;
  beforeAll(async () => {
    const started = await says('start', '--detach');
    pid = Number(
      /^paramedic runs in the background \(pid (\d+)\): http:\S+; its output is in \S+\n$/.exec(started)![1],
    );
    for (const name of ['mail', 'agent', 'never']) await site.untilState(name, 'running');
  });
  afterAll(async () => {
    if (isAlive(pid)) await run('stop');
  });

  it('is not started twice, and is told so whatever the one that runs says meanwhile', async () => {
    const logs = join(site.stateDir, 'logs');
    const chatter = setInterval(() => appendFileSync(join(logs, 'daemon.out'), 'something else\n'), 10);
    const again = await run('start', '--detach').finally(() => clearInterval(chatter));
    expect(again).toMatchObject({ code: 1, stdout: '' });
    expect(again.stderr).toMatch(new RegExp(`^A daemon \\(pid ${pid}\\) already runs on .*\n$`));
    expect(readdirSync(logs).filter((name) => name.endsWith('.out'))).toEqual(['daemon.out']);
  });

  it('shows how everything is', async () => {
    const lines = (await says('status')).split('\n');
    expect(lines[0]).toMatch(new RegExp(`^paramedic \\S+: healthy; pid ${pid}, up .*restarts in the last hour`));
    expect(lines.find((line) => line.startsWith('mail '))).toMatch(/^mail +running +healthy +\d+ /);
    const status = JSON.parse(await says('status', '--json')) as { pid: number };
    expect(status.pid).toBe(pid);
  });

  it('restarts, stops and starts a component, each with one line', async () => {
    expect(await says('restart', 'mail')).toMatch(/^mail is ready \(pid \d+\)\n$/);
    expect(await says('stop-component', 'mail')).toBe('mail is stopped\n');
    expect(await says('stop-component', 'mail')).toBe('mail is stopped\n');
    expect((await site.component('mail')).state).toBe('stopped');
    expect(await says('start-component', 'mail')).toMatch(/^mail is ready \(pid \d+\)\n$/);
    expect(await says('start-component', 'mail')).toMatch(/^mail runs already \(pid \d+\)\n$/);
  });

  it('refuses what the policy refuses, and knows nobody of another name', async () => {
    expect(await run('restart', 'never')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: 'restart of "never" refused: policy no_restart: only force starts it again\n',
    });
    expect(await says('restart', 'never', '--force')).toMatch(/^never is ready/);
    expect(await run('restart', 'nobody')).toMatchObject({
      code: 1,
      stderr: 'No component named "nobody". `paramedic status` lists them.\n',
    });
  });

  it('explains what would happen', async () => {
    expect(await says('explain', 'mail')).toContain(
      'mail would be started again at once (rule immediate, attempt 1).\n',
    );
    expect(await says('explain', 'never')).toContain('never would stay down: policy no_restart');
  });

  it('shows what a component has written, what has happened and what is remembered', async () => {
    expect(await says('logs', 'mail')).toMatch(/^out \| mail is up$/m);
    expect(await says('logs', 'mail')).toMatch(/^err \| and complains$/m);
    expect(await says('events', '-n', '1000')).toMatch(/Z component\.ready mail incarnation=/);
    await until('a checkpoint', async () => (await site.events('checkpoint.written')).length > 0);
    expect(await says('checkpoints', 'list')).toMatch(/ agent +\S+ +full +interval .* yes\n/);
    expect(await says('checkpoints', 'verify')).toMatch(/^1 checked, 0 corrupted, database integrity: ok\n$/);
  });

  it('leaves its components running when told so, and the next one takes them over', async () => {
    const before = (await site.status()).components.map(({ pid: child }) => child!);
    expect(await says('stop', '--keep-components')).toBe('stopped; the components keep running\n');
    expect(isAlive(pid)).toBe(false);
    expect(before.every(isAlive)).toBe(true);
    expect(await run('status')).toMatchObject({ code: 3, stdout: '' });

    await says('start', '--detach');
    const { components, pid: next } = await site.status();
    pid = next;
    expect(components.map(({ pid: child }) => child)).toEqual(before);
    expect(components.every(({ adopted, restarts }) => adopted && restarts <= 1)).toBe(true);

    expect(await says('stop')).toBe('stopped\n');
    expect([pid, ...before].some(isAlive)).toBe(false);
    expect(await run('stop')).toMatchObject({ code: 3, stdout: '' });
  });
});

import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { script, Site, sleeper } from '../support/daemon.ts';
import { until } from '../support/temp.ts';

const twice = { policy: 'immediate', max_restarts: 2 };
const sizeOf = (folder: string): number =>
  readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);

describe('a component that dies at once and says much, for ever', () => {
  it('leaves bounded logs and crash reports, and the daemon answers all the while', async () => {
    const site = new Site({
      restart: { max_restarts_per_hour: 100_000 },
      components: {
        flood: script("process.stderr.write('x'.repeat(60_000)); process.exitCode = 1", {
          priority: 'critical',
          restart: { policy: 'immediate', max_restarts: 100_000 },
          logs: { max_size: '100KiB', keep: 2 },
        }),
        calm: sleeper(),
      },
    });
    await site.start();
    const calm = await site.untilState('calm', 'running');
    await until('many deaths', async () => (await site.component('flood')).crashes >= 60, 25_000);
    expect((await site.component('flood')).restarts).toBeGreaterThanOrEqual(60);
    expect(sizeOf(join(site.stateDir, 'logs', 'flood'))).toBeLessThan(1_000_000);
    expect(readdirSync(join(site.stateDir, 'crashes')).length).toBeLessThanOrEqual(201);
    expect(await site.component('calm')).toMatchObject({ state: 'running', pid: calm.pid });

    expect(await site.api('POST', 'components/flood/stop')).toMatchObject({ status: 200 });
    const { crashes } = await site.component('flood');
    expect(await site.component('flood')).toMatchObject({ state: 'stopped', held: true });
    expect((await site.component('flood')).crashes).toBe(crashes);
  });
});

describe('a component that cannot be started', () => {
  const site = new Site(
    {
      restart: { max_restarts_per_hour: 1_000 },
      components: {
        unknown: { command: ['no-such-program'], restart: twice, priority: 'critical' },
        absent: { command: ['./no-such-script'], restart: twice, priority: 'critical' },
        nowhere: sleeper({ cwd: './for-a-while', restart: twice, priority: 'critical' }),
        forbidden: { command: ['./not-executable'], restart: twice, priority: 'critical' },
        healthy: sleeper(),
      },
    },
    afterAll,
  );
  beforeAll(() => {
    site.write('not-executable', '#!/bin/sh\n');
    mkdirSync(join(site.folder, 'for-a-while'));
    return site.start();
  });

  it.each([
    { name: 'unknown', why: 'Could not start "no-such-program": it is not in any folder of PATH' },
    { name: 'absent', why: '/no-such-script' },
    { name: 'forbidden', why: 'it is not executable by this user' },
  ])('($name) is tried within its budget and then says what is wrong', async ({ name, why }) => {
    const view = await site.untilState(name, 'failed');
    expect(view.why).toContain('budget of 2 is used up; last: Could not start');
    expect(view.why).toContain(why);
    const events = (await site.events()).filter(({ component }) => component === name);
    expect(events.filter(({ type }) => type === 'component.start_failed')).toHaveLength(3);
    expect(view).toMatchObject({ pid: null, crashes: 0 });
  });

  it('because its folder has gone says so', async () => {
    const { pid } = await site.untilState('nowhere', 'running');
    rmSync(join(site.folder, 'for-a-while'), { recursive: true });
    process.kill(pid!, 'SIGKILL');
    expect((await site.untilState('nowhere', 'failed')).why).toMatch(
      /its working folder \S+for-a-while does not exist/,
    );
  });

  it('says so to the person who starts it', async () => {
    await site.untilState('unknown', 'failed');
    const refused = await site.api('POST', 'components/unknown/start');
    expect(refused).toMatchObject({ status: 502, body: { code: 'ACTION_FAILED' } });
    expect(JSON.stringify(refused.body)).toContain('it is not in any folder of PATH');
  });

  it('disturbs no other', async () => {
    expect(await site.untilState('healthy', 'running')).toMatchObject({ restarts: 0 });
  });
});

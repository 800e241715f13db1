import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EventView } from '../../src/supervisor/api.ts';
import { script, Site, sleeper } from '../support/daemon.ts';
import { until } from '../support/temp.ts';

const eager = { policy: 'immediate', max_restarts: 1_000 };
const generous = { restart: { max_restarts_per_hour: 1_000 } };

const of = (events: readonly EventView[], type: string, component: string) =>
  events.filter((event) => event.type === type && event.component === component);
/** Writes down when it begins and when it is asked to end. */
const diary = (name: string) =>
  script(
    `const fs = require('node:fs');
     const note = (what) => fs.appendFileSync('diary', what + ' ${name}\\n');
     process.on('SIGTERM', () => { note('ends'); process.exit(0); });
     note('begins');
     setInterval(() => {}, 1e6);`,
  );

describe('a start', () => {
  it('waits until what it needs is verified healthy, says so, and is undone in reverse', async () => {
    const site = new Site({
      components: {
        web: { ...diary('web'), depends_on: ['api'] },
        api: { ...diary('api'), depends_on: ['db'] },
        db: {
          ...diary('db'),
          checks: { well: { command: { command: ['test', '-e', 'db-is-well'] }, interval: '1h' } },
        },
      },
    });
    await site.start();
    await site.untilState('db', 'starting');
    expect(await site.component('api')).toMatchObject({ state: 'stopped', why: 'waiting for db', pid: null });
    expect(await site.component('web')).toMatchObject({ state: 'stopped', why: 'waiting for api', pid: null });

    site.write('db-is-well', '');
    await site.untilState('web', 'running');
    const events = await site.events();
    for (const [first, then] of [
      ['db', 'api'],
      ['api', 'web'],
    ] as const)
      expect(of(events, 'component.ready', first)[0]!.seq).toBeLessThan(
        of(events, 'component.starting', then)[0]!.seq!,
      );

    await until('their diaries', () => site.read('diary')?.split('\n').length === 4);
    expect(await site.end()).toBe(0);
    expect(site.read('diary')).toBe('begins db\nbegins api\nbegins web\nends web\nends api\nends db\n');
  });

  it('waits as long as what it needs is down', async () => {
    const site = new Site({
      ...generous,
      components: {
        db: sleeper({ restart: { policy: 'manual_only' } }),
        api: sleeper({ depends_on: ['db'], restart: { ...eager, on_dependency_restart: 'ignore' } }),
      },
    });
    await site.start();
    const api = await site.untilState('api', 'running');
    process.kill((await site.component('db')).pid!, 'SIGKILL');
    await site.untilState('db', 'stopped');
    expect((await site.component('api')).pid).toBe(api.pid);

    process.kill(api.pid!, 'SIGKILL');
    const waiting = await site.untilState('api', 'backoff');
    expect(waiting.why).toBe('waiting for db');
    expect(await site.api('POST', 'components/api/start')).toMatchObject({
      status: 200,
      body: { message: 'api will be started when db is up' },
    });
    expect(await site.api('POST', 'components/db/start')).toMatchObject({ status: 200 });
    await site.untilState('api', 'running', api.pid);
  });
});

describe('the restart of a dependency', () => {
  const site = new Site(
    {
      ...generous,
      components: {
        base: sleeper({ restart: eager }),
        left: sleeper({ depends_on: ['base'], restart: eager }),
        right: sleeper({ depends_on: ['base'], restart: eager, stop: { timeout: '1s' } }),
        top: sleeper({ depends_on: ['left', 'right', 'base'], restart: eager }),
        aloof: sleeper({ depends_on: ['base'], restart: { ...eager, on_dependency_restart: 'ignore' } }),
        slow: script(
          `const fs = require('node:fs');
           process.on('SIGTERM', () => { fs.rmSync('slow-hears'); setTimeout(() => process.exit(), 2_000); });
           fs.writeFileSync('slow-hears', '');
           setInterval(() => {}, 1e6);`,
          {
            depends_on: ['base'],
            restart: eager,
            checks: { hears: { command: { command: ['test', '-e', 'slow-hears'] }, interval: '1h' } },
          },
        ),
      },
    },
    afterAll,
  );
  beforeAll(async () => {
    await site.start();
    for (const name of ['top', 'aloof', 'slow']) await site.untilState(name, 'running');
  });

  it('restarts each that leans on it exactly once, in order, and leaves alone what is told to ignore it', async () => {
    const before = new Map((await site.status()).components.map(({ name, pid }) => [name, pid]));
    process.kill(before.get('base')!, 'SIGKILL');
    for (const name of ['base', 'left', 'right', 'top', 'slow'])
      await site.untilState(name, 'running', before.get(name));
    await until('the end of all recoveries', async () => {
      const events = await site.events();
      const count = (type: string) => events.filter((event) => event.type === type).length;
      return count('recovery.finished') === count('recovery.started') && count('recovery.finished') === 5;
    });

    const { components } = await site.status();
    expect(Object.fromEntries(components.map(({ name, restarts }) => [name, restarts]))).toEqual({
      base: 1,
      left: 1,
      right: 1,
      top: 1,
      slow: 1,
      aloof: 0,
    });
    expect((await site.component('aloof')).pid).toBe(before.get('aloof'));
    const events = await site.events();
    for (const name of ['left', 'right', 'top', 'slow']) {
      const [, second, ...more] = of(events, 'component.starting', name);
      expect(more).toEqual([]);
      expect(second!['reason']).toBe('dependency');
      expect(second!.seq!).toBeGreaterThan(of(events, 'component.ready', 'base')[1]!.seq!);
    }
    const readyAgain = (name: string) => of(events, 'component.ready', name)[1]!.seq!;
    expect(of(events, 'component.starting', 'top')[1]!.seq!).toBeGreaterThan(
      Math.max(readyAgain('left'), readyAgain('right')),
    );
  });

  it('is not counted in their budgets', async () => {
    for (const name of ['left', 'right', 'top', 'slow'])
      expect((await site.component(name)).restart_budget.used).toBe(0);
    expect((await site.component('base')).restart_budget.used).toBe(1);
  });

  it('does not start again what a person is just stopping', async () => {
    const stopped = site.api('POST', 'components/slow/stop');
    await site.untilState('slow', 'stopping');
    const { pid } = await site.component('base');
    process.kill(pid!, 'SIGKILL');
    await site.untilState('base', 'running', pid);
    expect(await stopped).toMatchObject({ status: 200 });
    await site.untilState('top', 'running');
    expect(await site.component('slow')).toMatchObject({ state: 'stopped', held: true, restarts: 1 });
  });
});

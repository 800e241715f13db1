import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { client, Site } from '../support/daemon.ts';
import { speakerOf } from '../support/speaker.ts';
import { until } from '../support/temp.ts';

const eager = { policy: 'immediate', max_restarts: 1_000 };
const alive = { checks: { alive: { heartbeat: { timeout: '60s' } } } };

/**
 * A process with two components inside, each of which notes what it is told in `told`. `soul` beats and obeys, unless
 * there is a file `stubborn`; a file `soul.die` is its crash.
 */
const core = client(
  `import { appendFileSync, existsSync, rmSync } from 'node:fs';
   const note = (text) => appendFileSync('told', process.pid + ' ' + text + '\\n');
   for (const name of ['soul', 'memory']) {
     const inside = line.child(name);
     let beating = inside.startHeartbeat({ intervalMs: 50, beat: () => ({ progress: 1 }) });
     inside.onRestart(() => {
       if (existsSync('stubborn')) throw new Error('not now');
       note(name + ' restart');
       beating();
       beating = inside.startHeartbeat({ intervalMs: 50 });
     });
     inside.onShutdown(async ({ deadlineMs }) => { note(name + ' shutdown ' + deadlineMs); beating(); });
     inside.onReload(() => note(name + ' reload'));
     inside.onGetState(() => ({ state: name }));
     setInterval(() => {
       if (!existsSync(name + '.die')) return;
       rmSync(name + '.die', { force: true });
       beating();
       inside.reportCrash(new RangeError('lost its ' + process.env.MY_SECRET_TOKEN)).catch(() => {});
     }, 50);
   }
   line.startHeartbeat({ intervalMs: 50 });
   setInterval(() => {}, 1e6);`,
  { restart: eager, env: { MY_SECRET_TOKEN: 'hunter2hunter2' }, ...alive },
);

describe('logical components', () => {
  const config = (timeout: string) => ({
    restart: { max_restarts_per_hour: 1_000 },
    components: {
      core,
      soul: { parent: 'core', restart: eager, checks: { alive: { heartbeat: { timeout } } } },
      memory: {
        parent: 'core',
        depends_on: ['soul'],
        restart: { ...eager, max_restarts: 0, on_dependency_restart: 'ignore' },
        ...alive,
      },
    },
  });
  const site = new Site(config('60s'), afterAll);
  const told = () => (site.read('told') ?? '').trim().split('\n').filter(Boolean);
  const pid = async () => (await site.component('core')).pid!;
  const crashesOf = async (name: string) =>
    (await site.events('component.crashed')).filter(({ component }) => component === name);
  /** It listens a moment after it runs. */
  const listening = (name: string) =>
    until(`${name} to listen`, async () => {
      const { body } = await site.api('POST', 'checkpoints', { component: name });
      return !JSON.stringify(body).includes('does not listen');
    });
  beforeAll(() => site.start());

  it('are up with their parent, one after the other, without having been told anything', async () => {
    await site.untilState('memory', 'running');
    for (const name of ['soul', 'memory'])
      expect(await site.component(name)).toMatchObject({ kind: 'logical', pid: null, restarts: 0, health: 'healthy' });
    expect(told()).toEqual([]);
  });

  it('have heartbeats, state and commands of their own, by the token of their parent', async () => {
    const say = speakerOf(site, await pid());
    expect(await say('PUT', 'state?component=soul', { state: { of: 'soul' } })).toMatchObject({ status: 200 });
    expect((await say('GET', 'state?component=soul')).body).toMatchObject({ state: { of: 'soul' } });
    expect((await say('GET', 'state')).body).toMatchObject({ state: null });
    expect(await say('POST', 'journal?component=soul', { operation: 'x', data: 1 })).toMatchObject({ status: 200 });
    expect(await say('POST', 'heartbeat?component=nobody', {})).toMatchObject({
      status: 403,
      body: { code: 'FORBIDDEN' },
    });
    const { body } = await site.api('POST', 'checkpoints', { component: 'memory' });
    expect(body).toMatchObject({ checkpoint_id: expect.any(String) as string });
  });

  it('are restarted by a command, alone', async () => {
    const before = await pid();
    expect(await site.api('POST', 'components/soul/restart')).toMatchObject({ status: 200 });
    expect(told()).toEqual([`${before} soul restart`]);
    expect(await pid()).toBe(before);
    expect(await site.component('soul')).toMatchObject({ state: 'running', restarts: 1 });
  });

  it('are stopped and started by commands', async () => {
    const before = await pid();
    expect(await site.api('POST', 'components/memory/stop')).toMatchObject({ status: 200 });
    expect(told().at(-1)).toBe(`${before} memory shutdown 10000`);
    expect(await site.component('memory')).toMatchObject({ state: 'stopped', held: true });
    expect(await site.api('POST', 'components/memory/start')).toMatchObject({
      status: 200,
      body: { message: 'memory is ready (parent core)' },
    });
    expect(told().at(-1)).toBe(`${before} memory restart`);
  });

  it('crash when they say so, and are recovered inside their parent', async () => {
    const before = await pid();
    site.write('soul.die', '');
    const crash = await until('the crash', async () => (await crashesOf('soul'))[0]);
    expect(crash).toMatchObject({ crash_type: 'unhandled_exception', error_type: 'RangeError' });
    await until('its recovery', async () => {
      const view = await site.component('soul');
      return view.state === 'running' && view.crashes === 1;
    });
    expect(await pid()).toBe(before);
    const report = await until('its report', async () => {
      const { crashes } = (await site.api('GET', 'crashes?component=soul')).body as {
        crashes: { report: string | null; crash_id: string }[];
      };
      const id = crashes[0]?.report ? crashes[0].crash_id : undefined;
      return id === undefined ? undefined : (await site.api('GET', `crashes/${id}`)).body;
    });
    expect(report).toMatchObject({ exception_message: 'lost its ***' });
    const { incidents } = (await site.api('GET', 'incidents')).body as { incidents: { component: string }[] };
    expect(new Set(incidents.map(({ component }) => component))).toEqual(new Set(['soul']));
  });

  it('go down with their parent and come back with it, at no cost of their own', async () => {
    const before = await pid();
    const { incarnation, restarts } = await site.component('memory');
    const crashes = (await crashesOf('soul')).length;
    process.kill(before, 'SIGKILL');
    await site.untilState('core', 'running', before);
    await until('both', async () => {
      const views = await Promise.all(['soul', 'memory'].map((name) => site.component(name)));
      return views[1]?.incarnation !== incarnation && views.every(({ state }) => state === 'running');
    });
    expect(await site.component('memory')).toMatchObject({ crashes: 0, restarts });
    expect((await crashesOf('soul')).length).toBe(crashes);
    expect(told().filter((line) => !line.startsWith(String(before)))).toEqual([]);
  });

  it('that are held down are told so by the next life of their parent, and begin when a person wants it', async () => {
    await listening('memory');
    expect(await site.api('POST', 'components/memory/stop')).toMatchObject({ status: 200 });
    const before = await pid();
    process.kill(before, 'SIGKILL');
    const { pid: now } = await site.untilState('core', 'running', before);
    await until('its order to stop', () => told().includes(`${now} memory shutdown 10000`));
    expect(await site.component('memory')).toMatchObject({ state: 'stopped', held: true });
    await site.untilState('soul', 'running');
    expect(await site.api('POST', 'components/memory/start')).toMatchObject({ status: 200 });
    expect(told().at(-1)).toBe(`${now} memory restart`);
  });

  it('hear of a change of their settings', async () => {
    await listening('soul');
    site.configure(config('61s'));
    expect(await site.api('POST', 'reload')).toMatchObject({ status: 200, body: { changed: ['soul'] } });
    const now = await pid();
    await until('its order', () => told().at(-1) === `${now} soul reload`);
  });

  it('are taken over with their parent by the next daemon', async () => {
    const before = await pid();
    const { incarnation } = await site.component('memory');
    await site.end('SIGKILL');
    await site.start();
    await site.untilState('memory', 'running');
    expect(await site.component('memory')).toMatchObject({ incarnation, adopted: true, crashes: 0 });
    expect(await pid()).toBe(before);
  });

  it('that died with their parent while no daemon looked come back with it, at no cost either', async () => {
    const before = await pid();
    await site.end('SIGKILL');
    process.kill(before, 'SIGKILL');
    await site.start();
    await site.untilState('memory', 'running');
    expect(await pid()).not.toBe(before);
    expect(await site.component('memory')).toMatchObject({ crashes: 0, adopted: false });
  });

  it('that do not begin anew take their parent along, by a decision that blames it', async () => {
    const before = await pid();
    await listening('soul');
    site.write('stubborn', '');
    expect(await site.api('POST', 'components/soul/restart')).toMatchObject({ status: 502 });
    await site.untilState('core', 'running', before);
    await site.untilState('memory', 'running');
    await site.untilState('soul', 'running');
    const decisions = (await site.events('restart.decided')).filter(({ component }) => component === 'soul');
    expect(decisions).toContainEqual(
      expect.objectContaining({ decision: expect.objectContaining({ kind: 'blame', rule: 'parent' }) as unknown }),
    );
    site.remove('stubborn');
  });

  it('stop before their parent does', async () => {
    const before = await pid();
    await listening('memory');
    expect(await site.end()).toBe(0);
    expect(told().slice(-2)).toEqual([`${before} memory shutdown 10000`, `${before} soul shutdown 10000`]);
  });
});

import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { client, isAlive, paramedic, script, Site, sleeper } from '../support/daemon.ts';
import { until } from '../support/temp.ts';

const eager = { policy: 'immediate', max_restarts: 1_000 };
const sh = (code: string, more: Record<string, unknown> = {}) => ({ command: ['sh', '-c', code], ...more });
const pidIn = (site: Site, name: string) =>
  until(`a pid in ${name}`, () => (/^\d+\n$/.test(site.read(name) ?? '') ? Number(site.read(name)) : undefined));
const deaf = "process.on('SIGTERM', () => {}); console.log('up'); setInterval(() => {}, 1e6);";
/** Not ready before it hears signals. */
const up = (name: string) => ({
  checks: { up: { command: { command: ['grep', '-q', 'up', `.paramedic/logs/${name}/stdout.log`] }, interval: '1h' } },
});

describe('a component that is stopped', () => {
  const site = new Site(
    {
      restart: { max_restarts_per_hour: 1_000 },
      components: {
        polite: script(
          `process.on('SIGINT', () => setTimeout(() => { require('node:fs').writeFileSync('left', ''); process.exit(0); }, 300));
           console.log('up'); setInterval(() => {}, 1e6);`,
          { stop: { signal: 'SIGINT', timeout: '20s' }, restart: eager, ...up('polite') },
        ),
        deaf: script(deaf, { stop: { timeout: '300ms' }, restart: eager, ...up('deaf') }),
        family: sh(
          `sh -c 'echo $$ > child; sleep 1000 & sleep 1000' &
           setsid sh -c 'echo $$ > wanderer; exec sleep 1000' &
           exec sleep 1000`,
          { restart: eager },
        ),
      },
    },
    afterAll,
  );
  beforeAll(async () => {
    await site.start();
    for (const name of ['polite', 'deaf', 'family']) await site.untilState(name, 'running');
  });
  const stopped = async (name: string) =>
    (await site.events('component.stopped')).findLast(({ component }) => component === name);

  it('hears its own signal and has its time to leave', async () => {
    expect(await site.api('POST', 'components/polite/stop')).toMatchObject({ status: 200 });
    expect(existsSync(`${site.folder}/left`)).toBe(true);
    expect(await site.component('polite')).toMatchObject({ state: 'stopped', held: true, pid: null });
    expect(await stopped('polite')).toMatchObject({ forced: false, exit: { code: 0, signal: null } });
  });

  it('is killed when it does not listen', async () => {
    const { pid } = await site.component('deaf');
    expect(await site.api('POST', 'components/deaf/stop')).toMatchObject({ status: 200 });
    expect(isAlive(pid!)).toBe(false);
    expect(await stopped('deaf')).toMatchObject({ forced: true, exit: { code: null, signal: 'SIGKILL' } });
    expect(await site.events('component.crashed')).toEqual([]);
  });

  it('takes all that it has started along, also what has left its session', async () => {
    const [child, wanderer] = [await pidIn(site, 'child'), await pidIn(site, 'wanderer')];
    expect([child, wanderer].map(isAlive)).toEqual([true, true]);
    expect(await site.api('POST', 'components/family/stop')).toMatchObject({ status: 200 });
    expect([child, wanderer].map(isAlive)).toEqual([false, false]);
  });

  it('stays down when the daemon is killed and comes back, until a person starts it', async () => {
    await site.end('SIGKILL');
    await site.start();
    for (const name of ['polite', 'deaf', 'family'])
      expect(await site.component(name)).toMatchObject({ state: 'stopped', held: true });
    expect(await site.api('POST', 'components/deaf/start')).toMatchObject({ status: 200 });
    expect(await site.component('deaf')).toMatchObject({ state: 'running', held: false });
  });
});

describe('a component that listens for its shutdown', () => {
  /** It and its children carry the site's folder as their own. */
  const living = (site: Site) =>
    readdirSync('/proc').filter((pid) => {
      try {
        return /^\d+$/.test(pid) && Number(pid) !== site.pid && readlinkSync(`/proc/${pid}/cwd`) === site.folder;
      } catch {
        return false;
      }
    });
  const leaves = (how: string, more: Record<string, unknown> = {}) =>
    client(
      `import { spawn } from 'node:child_process';
       import { writeFileSync } from 'node:fs';
       for (const detached of [true, false]) spawn('sleep', ['1000'], { detached });
       process.on('SIGTERM', () => writeFileSync(line.component + '.signal', ''));
       let told = null;
       line.onShutdown(${how});
       line.onGetState(() => ({ state: 'asked' }));
       setInterval(() => {}, 1e6);`,
      { restart: eager, ...more },
    );
  const site = new Site(
    {
      restart: { max_restarts_per_hour: 1_000 },
      components: {
        willing: leaves(`async (order) => { await line.saveState({ told: order }); process.exitCode = 7; }`),
        busy: leaves(`() => new Promise(() => {})`, { stop: { timeout: '3s' } }),
        hung: leaves(`() => writeFileSync('hung.told', '')`, { stop: { timeout: '2s' } }),
      },
    },
    afterAll,
  );
  const stopped = async (name: string) =>
    (await site.events('component.stopped')).findLast(({ component }) => component === name);
  /** It listens a moment after it runs. */
  const listening = async (name: string) => {
    const view = await site.untilState(name, 'running');
    await until(`${name} to listen`, async () => {
      return (await site.api('POST', 'checkpoints', { component: name })).status === 200;
    });
    return view;
  };
  beforeAll(() => site.start());

  it('is told, saves what it must and ends by itself, with all that it has started', async () => {
    await listening('willing');
    expect(await site.api('POST', 'components/willing/stop')).toMatchObject({ status: 200 });
    expect(await stopped('willing')).toMatchObject({ forced: false, exit: { code: 7, signal: null } });
    const { checkpoints } = (await site.api('GET', 'checkpoints?component=willing')).body as {
      checkpoints: { checkpoint_id: string }[];
    };
    const states = await Promise.all(
      checkpoints.map(async (one) => (await site.api('GET', `checkpoints/${one.checkpoint_id}`)).body),
    );
    expect(states).toContainEqual(
      expect.objectContaining({
        state: { told: { why: 'it was asked to stop', deadlineMs: expect.any(Number) as number } },
      }),
    );
    expect(await site.events('component.crashed')).toEqual([]);
  });

  it('is restarted in the same way', async () => {
    expect(await site.api('POST', 'components/willing/start')).toMatchObject({ status: 200 });
    const { pid } = await listening('willing');
    expect(await site.api('POST', 'components/willing/restart')).toMatchObject({ status: 200 });
    expect((await site.component('willing')).pid).not.toBe(pid);
    expect(await stopped('willing')).toMatchObject({ forced: false, exit: { code: 7, signal: null } });
  });

  it('gets the signal and then the end when it does not go', async () => {
    await listening('busy');
    expect(await site.api('POST', 'components/busy/stop')).toMatchObject({ status: 200 });
    expect(site.read('busy.signal')).toBe('');
    expect(await stopped('busy')).toMatchObject({ forced: true, exit: { code: null, signal: 'SIGKILL' } });
  });

  it('costs no more time than the signal alone when it hangs', async () => {
    const { pid } = await listening('hung');
    process.kill(pid!, 'SIGSTOP');
    const begun = performance.now();
    expect(await site.api('POST', 'components/hung/stop')).toMatchObject({ status: 200 });
    // Its own 2 s, and whatever a busy machine needs for the rest.
    expect(performance.now() - begun).toBeLessThan(10_000);
    expect(await stopped('hung')).toMatchObject({ forced: true });
  });

  it('leaves nothing behind', async () => {
    expect(await site.end()).toBe(0);
    expect(living(site)).toEqual([]);
  });
});

describe('a crash', () => {
  it('takes along what the process has left behind, so that the next one finds its port free', async () => {
    const holder = `
      const { spawn } = require('node:child_process'), fs = require('node:fs');
      const port = fs.existsSync('port') ? fs.readFileSync('port', 'utf8') : '0';
      const grandchild = spawn(process.execPath, ['-e', ${JSON.stringify(`
        const server = require('node:net').createServer().listen(Number(process.argv[1]), '127.0.0.1', () => {
          require('node:fs').writeFileSync('port', String(server.address().port));
          require('node:fs').writeFileSync('holder-' + process.ppid, process.pid + '\\n');
        });
        server.on('error', (error) => { console.error(error.code); process.exit(1); });
      `)}, port], { stdio: 'inherit' });
      grandchild.on('exit', () => process.exit(9));`;
    const site = new Site({ components: { web: script(holder, { priority: 'critical', restart: eager }) } });
    await site.start();
    const { pid } = await site.untilState('web', 'running');
    const first = await pidIn(site, `holder-${pid}`);
    process.kill(pid!, 'SIGKILL');
    const next = await site.untilState('web', 'running', pid);
    await pidIn(site, `holder-${next.pid}`);
    expect(isAlive(first)).toBe(false);
    expect((await site.events('component.starting')).length).toBe(2);
  });
});

describe('a daemon that is asked to stop', () => {
  const family = { a: sleeper(), b: sleeper({ depends_on: ['a'] }) };
  const pids = async (site: Site) => {
    await site.untilState('b', 'running');
    return (await site.status()).components.map(({ pid }) => pid!);
  };

  it.each(['SIGTERM', 'SIGINT'] as const)('by %s stops all and ends with 0', async (signal) => {
    const site = new Site({ components: family });
    await site.start();
    const all = await pids(site);
    expect(await site.end(signal)).toBe(0);
    expect(all.map(isAlive)).toEqual([false, false]);
  });

  it('by the command line stops all, and the command returns when it has gone', async () => {
    const site = new Site({ components: family });
    await site.start();
    const [all, daemon] = [await pids(site), site.pid];
    const ended = site.ended();
    expect(await paramedic(['stop', '--config', site.file])).toMatchObject({
      code: 0,
      stdout: 'stopped\n',
      stderr: '',
    });
    expect([...all, daemon].map(isAlive)).toEqual([false, false, false]);
    expect(await ended).toBe(0);
  });

  it('does not mind being asked twice, starts nothing any more, and gives up when asked a third time', async () => {
    const site = new Site({
      components: {
        a: sleeper(),
        slow: script(deaf, { depends_on: ['a'], stop: { timeout: '1h' }, ...up('slow') }),
      },
    });
    await site.start();
    const { pid } = await site.untilState('slow', 'running');
    const a = await site.component('a');
    const ended = site.ended();
    process.kill(site.pid, 'SIGTERM');
    await site.untilState('slow', 'stopping');
    process.kill(site.pid, 'SIGTERM');
    for (const action of ['start', 'restart'])
      expect(await site.api('POST', `components/a/${action}`)).toMatchObject({
        status: 503,
        body: { code: 'SHUTTING_DOWN' },
      });
    expect(await site.api('POST', 'reload')).toMatchObject({ status: 503 });
    expect((await fetch(`${site.url}/readyz`)).status).toBe(503);
    expect((await site.component('slow')).state).toBe('stopping');
    process.kill(site.pid, 'SIGINT');
    expect(await ended).toBe(130);
    expect([pid!, a.pid!].map(isAlive)).toEqual([true, true]);

    site.configure({ components: {} });
    await site.start();
    await until('the end of what nobody has configured', () => ![pid!, a.pid!].some(isAlive));
  });

  it('while it boots stops what it has begun', async () => {
    const site = new Site({ components: { a: sleeper(), b: sleeper() } });
    const child = site.launch();
    await until('a listener', () => existsSync(`${site.stateDir}/daemon.json`));
    child.kill('SIGTERM');
    expect(await site.ended()).toBe(0);
  });
});

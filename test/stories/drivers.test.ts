import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isAlive, Site, sleeper } from '../support/daemon.ts';
import { FakeDocker } from '../support/fake-docker.ts';
import { FakeKubernetes } from '../support/fake-kubernetes.ts';
import { FakeSystemd } from '../support/fake-systemd.ts';
import { until } from '../support/temp.ts';

const INIT_SCRIPT = `#!/bin/sh
case $1 in
  start) setsid sleep 1000 > /dev/null 2>&1 & echo $! > "$2.pid" ;;
  stop) kill "$(cat "$2.pid")" ;;
  status) [ -e "$2.flaps" ] && rm "$2.flaps" && exit 3; grep -q '^State:.[^Z]' "/proc/$(cat "$2.pid")/status" 2>/dev/null || exit 3 ;;
esac
`;

/** Five daemons' worth of work on a busy machine. */
const LONG = 60_000;
const restart = { policy: 'immediate' };
const byCommands = (name: string) => {
  const [start, stop, status] = ['start', 'stop', 'status'].map((word) => ['/bin/sh', './ctl', word, name]);
  return { commands: { start, stop, status, interval: '100ms' }, restart };
};

describe('components that are no child processes', () => {
  it('outlive the daemon, are healed as any other, and are stopped with it or left as they are', async () => {
    const systemd = new FakeSystemd();
    const unit = 'redis.service';
    systemd.define(unit, 'exec sleep 600');
    systemd.set(unit, 'memory', '4096');
    const docker = new FakeDocker();
    await docker.back();
    const cache = docker.create('cache', 'exec sleep 600');
    const cluster = new FakeKubernetes();
    await cluster.back();
    cluster.create('api', 2);
    const checks = { itself: { process: { max_memory: '1GiB' } } };
    const site = new Site({
      components: {
        db: byCommands('db'),
        lost: byCommands('lost'),
        unit: { systemd: { unit: 'redis', interval: '100ms', keep_running: true }, checks, restart },
        cache: {
          container: { name: 'cache', host: docker.host, interval: '100ms' },
          checks: { ...checks, healthcheck: { engine: {}, interval: '200ms', failure_threshold: 2 } },
          restart,
        },
        api: { deployment: { name: 'api', kubeconfig: cluster.kubeconfig, interval: '100ms' }, restart },
      },
    });
    site.write('ctl', INIT_SCRIPT);
    onTestFinished(() => systemd.kill(unit));
    const path = { PATH: systemd.path };
    const pidOf = (name: string) => Number(readFileSync(join(site.folder, `${name}.pid`), 'utf8'));
    const all = () =>
      Promise.all(['db', 'lost', 'unit', 'cache', 'api'].map((name) => site.untilState(name, 'running', null, LONG)));

    await site.start([], path);
    const kinds = ['commands', 'commands', 'systemd', 'container', 'deployment'];
    expect(await all()).toMatchObject(kinds.map((kind) => ({ kind, adopted: kind === 'deployment', crashes: 0 })));
    expect(await site.metrics()).toMatch(/paramedic_component_info\{.*component="db".*kind="commands".*\} 1/);
    const before = { db: pidOf('db'), lost: pidOf('lost'), unit: systemd.pid(unit), cache: cache.startedAt };
    expect((await site.component('unit')).pid).toBe(before.unit);

    // One is taken for dead once: from then on its process bears the mark of a life that is over.
    site.write('db.flaps', '');
    await until('it to be taken over', async () => {
      const { crashes, state, adopted } = await site.component('db');
      return crashes === 1 && state === 'running' && adopted;
    });

    // One dies while nobody looks, and Docker is away when the next daemon comes.
    await site.end('SIGKILL');
    process.kill(before.lost, 'SIGKILL');
    await docker.away();
    await site.start([], path);
    expect(await site.component('cache')).toMatchObject({ adopted: true, crashes: 0 });
    await docker.back();
    expect(await all()).toMatchObject([
      { adopted: true, crashes: 1, restarts: 1 },
      { adopted: false, crashes: 1, restarts: 1 },
      { adopted: true, crashes: 0, restarts: 0 },
      { adopted: true, crashes: 0, restarts: 0 },
      { adopted: true, crashes: 0, restarts: 0 },
    ]);
    expect([pidOf('db'), systemd.pid(unit), cache.startedAt]).toEqual([before.db, before.unit, before.cache]);
    expect(pidOf('lost')).not.toBe(before.lost);

    process.kill(before.db, 'SIGKILL');
    systemd.set(unit, 'result.next', 'watchdog');
    cache.oomKilled = true;
    await Promise.all([systemd.kill(unit), docker.kill('cache')]);
    await until(
      'three restarts',
      async () => {
        const [db, , ofUnit, ofCache] = await all();
        return db?.restarts === 2 && [ofUnit, ofCache].every((view) => view?.restarts === 1);
      },
      LONG,
    );
    const { crashes } = (await site.api('GET', 'crashes')).body as { crashes: { component: string; type: string }[] };
    expect(Object.fromEntries(crashes.map(({ component, type }) => [component, type]))).toEqual({
      db: 'unknown',
      lost: 'unknown',
      unit: 'watchdog_timeout',
      cache: 'out_of_memory',
    });
    // What Docker says of its health is acted on; the next run is well.
    cache.health = { Status: 'unhealthy', Log: [{ Output: 'no answer' }] };
    await until(
      'a restart for its health',
      async () => {
        const { restarts, state } = await site.component('cache');
        return restarts === 2 && state === 'running' && docker.runs('cache');
      },
      LONG,
    );
    expect(await site.api('POST', 'components/db/restart')).toMatchObject({
      status: 200,
      body: { message: 'db is ready (commands db)' },
    });

    expect(await site.api('POST', 'components/api/restart')).toMatchObject({ status: 200 });
    expect(cluster.get('api').template).toHaveProperty(['kubectl.kubernetes.io/restartedAt']);

    const kept = systemd.pid(unit);
    await site.end('SIGTERM');
    expect([isAlive(pidOf('db')), isAlive(pidOf('lost')), docker.runs('cache')]).toEqual([false, false, false]);
    expect([systemd.runs(unit), cluster.get('api').replicas]).toEqual([true, 2]);
    // What is taken over unseen is known as soon as the engine tells.
    systemd.trouble('away');
    await site.start([], path);
    expect(await site.component('unit')).toMatchObject({ adopted: true, pid: null });
    systemd.trouble('away', false);
    await until('its pid to be told', async () => (await site.component('unit')).pid === kept, LONG);
    expect(await site.untilState('unit', 'running', null, LONG)).toMatchObject({ adopted: true });
    await site.end('SIGTERM');
  });

  it('are stopped at once while they still come up', async () => {
    const start = [
      '/bin/sh',
      '-c',
      'setsid sleep 1000 > /dev/null 2>&1 & echo $! > db.pid; echo up > begun; sleep 600',
    ];
    const { commands } = byCommands('db');
    const docker = new FakeDocker();
    await docker.back();
    docker.create('cache', 'exec sleep 600');
    const { promise: comesUp, resolve: comeUp } = Promise.withResolvers<void>();
    docker.hold = comesUp;
    const cluster = new FakeKubernetes();
    await cluster.back();
    cluster.create('api', 0);
    cluster.hindrance = 'ImagePullBackOff';
    const slow = { timeout: '10m', interval: '10m' };
    const site = new Site({
      defaults: { start: { timeout: '10m' }, stop: { timeout: '1m' } },
      components: {
        db: { commands: { ...commands, start, timeout: '10m' } },
        cache: { container: { name: 'cache', host: docker.host, ...slow } },
        api: { deployment: { name: 'api', kubeconfig: cluster.kubeconfig, ...slow } },
      },
    });
    site.write('ctl', INIT_SCRIPT);
    await site.start();
    await until('the pods', () => cluster.get('api').replicas === 1, LONG);
    cluster.mood = 'slow';
    const looks = cluster.asked.length;
    await until('a look that is never answered', () => cluster.asked.length > looks, LONG);
    cluster.mood = 'well';
    expect(await site.api('POST', 'components/api/stop')).toMatchObject({ status: 200 });
    expect(cluster.get('api').replicas).toBe(0);

    await until('Docker to be asked', () => docker.asked.includes('POST /containers/cache/start'), LONG);
    const asked = site.api('POST', 'components/cache/stop');
    await until('Docker to hear of the stop', () => docker.asked.some((line) => line.includes('/cache/stop')), LONG);
    comeUp();
    expect(await asked).toMatchObject({ status: 200 });
    expect(docker.runs('cache')).toBe(false);

    await until('its start to have begun', () => site.read('begun') === 'up\n');
    const pid = Number(site.read('db.pid'));
    expect(isAlive(pid)).toBe(true);
    expect(await site.api('POST', 'components/db/stop')).toMatchObject({ status: 200 });
    expect(await site.component('db')).toMatchObject({ state: 'stopped', held: true });
    expect(isAlive(pid)).toBe(false);
  });

  it('are stopped although a daemon that died knew that their start had failed, or was under way', async () => {
    const cluster = new FakeKubernetes();
    await cluster.back();
    for (const name of ['api', 'web', 'other']) cluster.create(name, 0);
    cluster.hindrance = 'ImagePullBackOff';
    const of = (name: string, timeout: string) => ({
      deployment: { name, kubeconfig: cluster.kubeconfig, interval: '100ms', keep_running: false },
      start: { timeout },
      restart: { policy: 'no_restart' },
    });
    const [api, web] = [of('api', '100ms'), of('web', '10m')];
    const other = { ...of('other', '10m'), enabled: false };
    const site = new Site({ components: { api, web, other } });
    await site.start();
    await site.untilState('api', 'stopped', null, LONG);
    await until('the pods', () => cluster.get('web').replicas === 1, LONG);
    await site.end('SIGKILL');

    // What is nobody's business of ours is left alone.
    cluster.scale('other', 1);
    site.configure({ components: { api, web: { ...web, enabled: false }, other } });
    await site.start();
    await until('its pods to go', () => cluster.get('web').replicas === 0, LONG);
    expect(await site.component('api')).toMatchObject({ state: 'stopped' });
    expect(cluster.get('api').replicas).toBe(1);
    await site.end('SIGTERM');
    expect(['api', 'other'].map((name) => cluster.get(name).replicas)).toEqual([0, 1]);
  });

  it('are stopped although their start has failed, or somebody else has started them', async () => {
    const cluster = new FakeKubernetes();
    await cluster.back();
    for (const name of ['api', 'web', 'old', 'new']) cluster.create(name, 0);
    cluster.hindrance = 'ImagePullBackOff';
    const docker = new FakeDocker();
    await docker.back();
    docker.create('cache', 'exec sleep 600');
    const of = (name: string) => ({
      deployment: { name, kubeconfig: cluster.kubeconfig, interval: '100ms', keep_running: false },
      start: { timeout: '100ms' },
      restart: { policy: 'no_restart' },
    });
    const components = {
      api: of('api'),
      web: of('web'),
      moved: of('old'),
      cache: { container: { name: 'cache', host: docker.host, interval: '100ms' }, restart },
    };
    const site = new Site({ components });
    await site.start();
    for (const name of ['api', 'web', 'moved']) await site.untilState(name, 'stopped', null, LONG);
    expect(['api', 'web', 'old'].map((name) => cluster.get(name).replicas)).toEqual([1, 1, 1]);

    expect(await site.api('POST', 'components/api/stop')).toMatchObject({ status: 200 });
    expect(cluster.get('api').replicas).toBe(0);
    expect(await site.component('api')).toMatchObject({ state: 'stopped', held: true });
    expect(await site.events('component.adopted')).toMatchObject([{ component: 'api' }]);
    expect(await site.events('component.stopped')).toMatchObject([{ component: 'api', next: 'stop' }]);

    await site.untilState('cache', 'running', null, LONG);
    expect(await site.api('POST', 'components/cache/stop')).toMatchObject({ status: 200 });
    expect(await site.api('POST', 'components/cache/stop')).toMatchObject({ status: 200 });
    await docker.start('cache');
    expect(await site.api('POST', 'components/cache/stop')).toMatchObject({ status: 200 });
    expect(docker.runs('cache')).toBe(false);
    await docker.away();
    expect(await site.api('POST', 'components/cache/stop')).toMatchObject({
      status: 502,
      body: {
        detail: expect.stringMatching(
          /^stop of "cache" failed: it may still run: Docker does not answer at unix:[^\n]+$/,
        ) as string,
      },
    });
    await docker.back();

    // What was to be brought up in its old place is stopped before its new one is started; the daemon leaves nothing.
    site.configure({ components: { ...components, moved: of('new') } });
    expect(await site.api('POST', 'reload')).toMatchObject({ status: 200 });
    await until('the new one', () => cluster.get('new').replicas === 1, LONG);
    expect(cluster.get('old').replicas).toBe(0);
    await site.end('SIGTERM');
    expect(['web', 'new'].map((name) => cluster.get(name).replicas)).toEqual([0, 0]);
  });

  it('are stopped when the configuration names another in their place', async () => {
    const cluster = new FakeKubernetes();
    await cluster.back();
    for (const name of ['api', 'web']) cluster.create(name, 2);
    const of = (name: string) => ({
      components: { api: { deployment: { name, kubeconfig: cluster.kubeconfig, interval: '100ms' }, restart } },
    });
    const site = new Site(of('api'));
    await site.start();
    await site.untilState('api', 'running', null, LONG);
    site.configure(of('web'));
    expect(await site.api('POST', 'reload')).toMatchObject({ status: 200, body: { changed: ['api'] } });
    await until('the first to be stopped', () => cluster.get('api').replicas === 0, LONG);
    expect(cluster.get('web').replicas).toBe(2);
  });

  it('are stopped when the configuration was changed while no daemon ran', async () => {
    const docker = new FakeDocker();
    await docker.back();
    for (const name of ['before', 'after', 'other', 'gone']) docker.create(name, 'exec sleep 600');
    const systemd = new FakeSystemd();
    const unit = 'web.service';
    systemd.define(unit, 'exec sleep 600');
    onTestFinished(() => systemd.kill(unit));
    const of = (name: string) => ({ container: { name, host: docker.host, interval: '100ms' } });
    const site = new Site({
      components: {
        renamed: of('before'),
        process: sleeper(),
        unit: { systemd: { unit: 'web', interval: '100ms' } },
        db: byCommands('db'),
        gone: of('gone'),
      },
    });
    site.write('ctl', INIT_SCRIPT);
    await site.start([], { PATH: systemd.path });
    const names = ['renamed', 'process', 'unit', 'db'];
    const all = () => Promise.all(names.map((name) => site.untilState(name, 'running', null, LONG)));
    const [, process] = await all();
    await site.untilState('gone', 'running', null, LONG);
    const db = Number(site.read('db.pid'));
    await site.end('SIGKILL');

    site.configure({
      components: { renamed: of('after'), process: of('other'), unit: sleeper(), db: sleeper() },
    });
    await site.start([], { PATH: systemd.path });
    await until('what ran elsewhere to be stopped', () => !docker.runs('before') && !systemd.runs(unit), LONG);
    expect(await all()).toMatchObject(['container', 'container', 'process', 'process'].map((kind) => ({ kind })));
    expect([docker.runs('after'), docker.runs('other')]).toEqual([true, true]);
    expect([process!.pid!, db].map(isAlive)).toEqual([false, false]);
    const stopped = (await site.events('component.stopped')).map(({ component }) => component);
    expect(new Set(stopped)).toEqual(new Set(['db', 'process', 'renamed', 'unit']));
    expect(await site.events('component.crashed')).toEqual([]);
    // Nobody knows its commands any more, and nobody asked for the end of what is not configured any more.
    const log = join(site.stateDir, 'logs', 'paramedic.log');
    await until('two problems to be told', () =>
      [
        '(commands db) is run in another way now: how to stop what ran before is no longer configured',
        'is no longer configured: container gone was left as it is',
      ].every((line) => readFileSync(log, 'utf8').includes(line)),
    );
    expect(docker.runs('gone')).toBe(true);
  });
});

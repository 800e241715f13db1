import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { client, isAlive, Site, sleeper } from '../support/daemon.ts';
import { until } from '../support/temp.ts';

const eager = { policy: 'immediate', max_restarts: 1_000 };
const start = { timeout: '20s', period: 0 };
/** Well while a file is there. */
const file = (name: string) => ({ command: { command: ['test', '-e', name] }, interval: '100ms' });

/** A page that answers with the status that the test wishes. */
async function page(): Promise<{ url: string; status: number }> {
  const wish = { url: '', status: 200 };
  const server = createServer((_request, response) => response.writeHead(wish.status).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  wish.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return wish;
}

describe('a check', () => {
  const site = new Site(
    {
      restart: { max_restarts_per_hour: 1_000 },
      components: {
        counted: sleeper({
          start,
          restart: eager,
          priority: 'critical',
          checks: { well: { ...file('counted-is-well'), failure_threshold: 3 } },
        }),
        watched: sleeper({
          start,
          restart: eager,
          checks: { well: { ...file('watched-is-well'), failure_threshold: 1, action: 'none' } },
        }),
        young: sleeper({
          start: { timeout: '20s', period: '1h' },
          restart: eager,
          checks: { well: { ...file('young-is-well'), failure_threshold: 1 } },
        }),
        stuck: sleeper({
          start,
          restart: eager,
          checks: {
            well: {
              command: { command: ['sh', '-c', 'test -e stuck-is-well || sleep 60'] },
              interval: '100ms',
              timeout: '200ms',
              failure_threshold: 1,
              action: 'none',
            },
          },
        }),
        odd: sleeper({
          start,
          restart: eager,
          checks: {
            well: { command: { command: ['./odd-check'] }, interval: '100ms', failure_threshold: 1, action: 'none' },
          },
        }),
        speaks: client(
          `import { existsSync } from 'node:fs';
           const beat = () => existsSync('speaks-is-critical') ? { status: 'critical', message: 'out of tokens' } : {};
           line.startHeartbeat({ intervalMs: 50, beat });
           setInterval(() => {}, 1e6);`,
          { start, restart: eager, checks: { alive: { heartbeat: { timeout: '1h' }, interval: '1h' } } },
        ),
      },
    },
    afterAll,
  );
  beforeAll(async () => {
    for (const name of ['counted', 'watched', 'young', 'stuck']) site.write(`${name}-is-well`, '');
    site.executable('odd-check', '#!/bin/sh\nexit 0\n');
    await site.start();
    for (const { name } of (await site.status()).components) await site.untilState(name, 'running');
  });
  const checkOf = async (name: string) => (await site.component(name)).checks[0]!;
  const healthz = () => fetch(`${site.url}/healthz?verbose`);

  it('is a series of figures in /metrics', async () => {
    const metrics = await site.metrics();
    const labels = 'component="counted",check="well"';
    expect(metrics).toContain(`paramedic_health_check_success{${labels}} 1`);
    expect(metrics).toMatch(new RegExp(`paramedic_health_checks_total\\{${labels},result="healthy"\\} [1-9]`));
    expect(metrics).toMatch(new RegExp(`paramedic_health_check_duration_seconds_count\\{${labels}\\} [1-9]`));
    expect(metrics).toMatch(new RegExp(`paramedic_health_check_last_success_timestamp_seconds\\{${labels}\\} [1-9]`));
  });

  it('that fails as often as its threshold allows restarts the component, for its health', async () => {
    const { pid } = await site.component('counted');
    expect((await healthz()).status).toBe(200);
    site.remove('counted-is-well');
    await site.untilState('counted', 'starting', pid);
    const unwell = await healthz();
    expect(await unwell.text()).toContain('[-]counted');
    site.write('counted-is-well', '');
    const after = await site.untilState('counted', 'running', pid);
    expect(after).toMatchObject({ restarts: 1, crashes: 0, health: 'healthy' });
    const [tripped] = (await site.events('check.tripped')).filter(({ component }) => component === 'counted');
    expect(tripped).toMatchObject({ check: 'well', consecutive_failures: 3 });
    const [decided] = (await site.events('restart.decided')).filter(({ component }) => component === 'counted');
    expect(decided).toMatchObject({ reason: 'health', by: 'supervisor', counted: true });
    expect(await site.metrics()).toContain(
      'paramedic_restarts_total{component="counted",reason="health",outcome="success"} 1',
    );
  });

  it('with the action none restarts nothing, and the state of the component says how it is', async () => {
    const { pid } = await site.component('watched');
    site.remove('watched-is-well');
    const sick = await site.untilState('watched', 'unhealthy');
    expect(sick.why).toContain('well');
    await until('the trip', async () =>
      (await site.events('check.tripped')).some(({ component }) => component === 'watched'),
    );
    site.write('watched-is-well', '');
    expect(await site.untilState('watched', 'running')).toMatchObject({ pid, restarts: 0 });
  });

  it('does not count so soon after a start', async () => {
    const { pid } = await site.component('young');
    site.remove('young-is-well');
    await site.untilState('young', 'unhealthy');
    const { at } = await checkOf('young');
    await until('some more runs', async () => Date.parse((await checkOf('young')).at!) > Date.parse(at!) + 300);
    expect(await site.component('young')).toMatchObject({ pid, restarts: 0, state: 'unhealthy' });
    expect((await checkOf('young')).consecutive_failures).toBe(0);
  });

  it('that is not answered in time says so', async () => {
    site.remove('stuck-is-well');
    await site.untilState('stuck', 'unhealthy');
    expect(await checkOf('stuck')).toMatchObject({ status: 'timeout' });
    expect((await checkOf('stuck')).message).toMatch(/^no answer after \d/);
  });

  it('that cannot be asked is a result with its reason, and nothing breaks', async () => {
    site.remove('odd-check');
    await site.untilState('odd', 'unhealthy');
    expect((await checkOf('odd')).message).toContain('odd-check');
    expect((await fetch(`${site.url}/livez`)).status).toBe(200);
  });

  it('that is critical acts at once, whatever its threshold, and the daemon is not well meanwhile', async () => {
    const { pid } = await site.component('speaks');
    site.write('speaks-is-critical', '');
    await until('a decision', async () =>
      (await site.events('restart.decided')).some(({ component }) => component === 'speaks'),
    );
    site.remove('speaks-is-critical');
    const [tripped] = (await site.events('check.tripped')).filter(({ component }) => component === 'speaks');
    expect(tripped).toMatchObject({ outcome: 'critical', consecutive_failures: 1, message: 'out of tokens' });
    await site.untilState('speaks', 'running', pid);
  });
});

describe('a page that answers with errors', () => {
  it('has its component restarted after three of them; /healthz is 503 until it is well again', async () => {
    const api = await page();
    const site = new Site({
      components: {
        web: sleeper({
          start,
          priority: 'critical',
          restart: { policy: 'delayed', initial_delay: '1h', max_delay: '1h', jitter: 0 },
          checks: { api: { http: { url: api.url }, interval: '100ms', failure_threshold: 3 } },
        }),
      },
    });
    await site.start();
    const { pid } = await site.untilState('web', 'running');
    api.status = 500;
    const waiting = await site.untilState('web', 'backoff');
    expect(Date.parse(waiting.next_start_at!)).toBeGreaterThan(Date.parse(waiting.since));
    expect(isAlive(pid!)).toBe(false);
    expect((await fetch(`${site.url}/healthz`)).status).toBe(503);
    const [tripped] = await site.events('check.tripped');
    expect(tripped).toMatchObject({ kind: 'http', consecutive_failures: 3 });
    expect(tripped!['message']).toContain('answered 500');

    api.status = 200;
    expect(await site.api('POST', 'components/web/start')).toMatchObject({ status: 200 });
    expect((await site.component('web')).pid).not.toBe(pid);
    await until('200', async () => (await fetch(`${site.url}/healthz`)).status === 200);
    const [decided] = await site.events('restart.decided');
    expect(decided).toMatchObject({ reason: 'health', counted: true });
  });
});

describe('a start that never gets ready', () => {
  const late = {
    start: { timeout: '300ms' },
    stop: { timeout: '500ms' },
    checks: { well: file('nobody-writes-it') },
  };

  it('is a failure like any other: ended, tried again within the budget, then failed', async () => {
    const site = new Site({
      components: {
        web: sleeper({ ...late, priority: 'critical', restart: { policy: 'immediate', max_restarts: 2 } }),
        never: sleeper({ ...late, priority: 'critical', restart: { policy: 'no_restart' } }),
      },
    });
    await site.start();
    const failed = await site.untilState('web', 'failed');
    expect(failed.why).toContain('budget of 2 is used up; last: it was not ready within 300 ms (waiting for well)');
    expect(failed.pid).toBeNull();
    const starts = (await site.events('component.starting')).filter(({ component }) => component === 'web');
    expect(starts).toHaveLength(3);
    expect(await site.metrics()).toContain(
      'paramedic_restarts_total{component="web",reason="health",outcome="failure"} 2',
    );
    const never = await site.untilState('never', 'failed');
    expect(never.why).toContain('policy no_restart');
    expect(never.why).toContain('not ready within 300 ms');
  });
});

describe('a component that hangs', () => {
  const watchdog = { alive: { heartbeat: { timeout: '3s' }, interval: '200ms', failure_threshold: 1 } };
  const beating = 'line.startHeartbeat({ intervalMs: 100 }); setInterval(() => {}, 1e6);';
  const eagerly = { start, priority: 'critical', restart: eager, checks: watchdog };

  it('is restarted, its report says deadlock when it slept and infinite_loop when it span', async () => {
    const site = new Site({
      restart: { max_restarts_per_hour: 1_000 },
      components: {
        sleeps: client(beating, eagerly),
        spins: client(`${beating} process.on('SIGUSR2', () => { for (;;); });`, eagerly),
      },
    });
    await site.start();
    const sleeps = await site.untilState('sleeps', 'running');
    const spins = await site.untilState('spins', 'running');
    process.kill(sleeps.pid!, 'SIGSTOP');
    process.kill(spins.pid!, 'SIGUSR2');
    await site.untilState('sleeps', 'running', sleeps.pid);
    await site.untilState('spins', 'running', spins.pid);
    expect([sleeps, spins].map(({ pid }) => isAlive(pid!))).toEqual([false, false]);

    const { crashes } = (await site.api('GET', 'crashes')).body as { crashes: { component: string; type: string }[] };
    // The newest comes first: of each its first one counts.
    const types = Object.fromEntries(crashes.map(({ component, type }) => [component, type]));
    expect(types['sleeps']).toBe('deadlock');
    // On a machine that is busy otherwise it may not get a core for itself.
    expect(types['spins']).toMatch(/^(infinite_loop|watchdog_timeout)$/);
    const first = (name: string) => decided.find(({ component }) => component === name);
    const decided = await site.events('restart.decided');
    for (const name of ['sleeps', 'spins']) expect(first(name)).toMatchObject({ reason: 'hang' });
  });
});

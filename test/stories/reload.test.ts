import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isAlive, paramedic, script, Site, sleeper } from '../support/daemon.ts';
import { until } from '../support/temp.ts';

const eager = { policy: 'immediate', max_restarts: 1_000 };

describe('a reload', () => {
  const components: Record<string, Record<string, unknown>> = {
    stays: sleeper({ restart: eager }),
    checked: sleeper({ restart: eager, checks: { well: { command: { command: ['true'] }, interval: '1h' } } }),
    changes: sleeper({ restart: eager }),
    goes: sleeper({ restart: eager }),
  };
  const site = new Site({ components }, afterAll);
  const edit = (change: Record<string, Record<string, unknown> | undefined>) => {
    Object.assign(components, change);
    for (const [name, component] of Object.entries(components)) if (!component) delete components[name];
    site.configure({ components });
  };
  const pids = async () => Object.fromEntries((await site.status()).components.map(({ name, pid }) => [name, pid]));
  beforeAll(async () => {
    await site.start();
    for (const name of Object.keys(components)) await site.untilState(name, 'running');
  });

  it('starts what was added, stops what was removed, replaces what runs differently, leaves the rest alone', async () => {
    const before = await pids();
    edit({ comes: sleeper(), goes: undefined, changes: { command: ['sleep', '2000'] } });
    expect(await site.api('POST', 'reload')).toEqual({
      status: 200,
      body: { added: ['comes'], removed: ['goes'], changed: ['changes'], daemon_restart_needed: [] },
    });
    await site.untilState('comes', 'running');
    await site.untilState('changes', 'running', before['changes']);
    await until('the end of what was removed', () => !isAlive(before['goes']!));
    expect(await site.component('stays')).toMatchObject({ pid: before['stays'], restarts: 0 });
    expect(await site.api('GET', 'components/goes')).toMatchObject({ status: 404 });
    expect(await site.metrics()).not.toContain('component="goes"');
  });

  it('by SIGHUP puts a new policy and new checks in force without touching the process', async () => {
    const before = await pids();
    const { at } = (await site.component('checked')).checks[0]!;
    edit({
      stays: sleeper({ restart: { policy: 'no_restart' } }),
      checked: sleeper({ restart: { policy: 'no_restart' }, checks: components['checked']!['checks'] }),
    });
    process.kill(site.pid, 'SIGHUP');
    await until('the reload', async () => (await site.events('config.reloaded')).length === 2);
    expect(await site.component('stays')).toMatchObject({ pid: before['stays'], state: 'running' });
    expect((await site.component('checked')).checks[0]).toMatchObject({ status: 'healthy', at });
    expect((await site.component('checked')).state).toBe('running');

    process.kill(before['stays']!, 'SIGKILL');
    expect((await site.untilState('stays', 'stopped')).why).toContain('policy no_restart');
  });

  it('of a bad file changes nothing, and says everywhere why', async () => {
    const before = await pids();
    edit({ checked: sleeper({ restart: { policy: 'sometimes' } }), comes: sleeper({ depends_on: ['nobody'] }) });
    const refused = await site.api('POST', 'reload');
    expect(refused).toMatchObject({ status: 400, body: { code: 'CONFIG_INVALID' } });
    expect(JSON.stringify(refused.body)).toContain('components.checked.restart.policy');
    expect(await pids()).toEqual(before);
    expect(await site.metrics()).toContain('paramedic_config_last_reload_successful 0');
    const [rejected] = await site.events('config.rejected');
    expect(rejected!['problems']).toHaveLength(2);

    const told = await paramedic(['reload', '--config', site.file]);
    expect(told).toMatchObject({ code: 2, stdout: '' });
    expect(told.stderr).toContain('nobody');
    process.kill(site.pid, 'SIGHUP');
    await until('the third rejection', async () => (await site.events('config.rejected')).length === 3);

    writeFileSync(site.file, 'components: [');
    expect(await site.api('POST', 'reload')).toMatchObject({ status: 400 });
    expect(await pids()).toEqual(before);
  });

  it('of a good file is well again, and the command line counts what it did', async () => {
    edit({ checked: sleeper({ restart: eager }), comes: sleeper() });
    const told = await paramedic(['reload', '--config', site.file]);
    expect(told).toMatchObject({ code: 0, stderr: '' });
    expect(await site.metrics()).toContain('paramedic_config_last_reload_successful 1');
  });

  it('says which settings wait for a new daemon, until there is one', async () => {
    site.configure({ components, telemetry: { log: { level: 'debug' } } });
    const needed = ['telemetry'];
    for (let times = 0; times < 2; times++)
      expect(await site.api('POST', 'reload')).toMatchObject({ body: { daemon_restart_needed: needed } });
    expect((await site.events('config.reloaded')).at(-1)).toMatchObject({ daemon_restart_needed: needed });
    site.configure({ components });
    expect(await site.api('POST', 'reload')).toMatchObject({ body: { daemon_restart_needed: [] } });
  });

  it('disables and enables', async () => {
    const { pid } = await site.component('changes');
    edit({ changes: { ...components['changes'], enabled: false } });
    await site.api('POST', 'reload');
    expect((await site.untilState('changes', 'stopped')).enabled).toBe(false);
    expect(isAlive(pid!)).toBe(false);
    edit({ changes: { ...components['changes'], enabled: true } });
    await site.api('POST', 'reload');
    await site.untilState('changes', 'running');
  });

  it('during a start goes on waiting for it, with the new checks', async () => {
    edit({
      late: sleeper({
        start: { timeout: '1h' },
        checks: { well: { command: { command: ['test', '-e', 'never'] }, interval: '1h' } },
      }),
    });
    await site.api('POST', 'reload');
    const { pid } = await site.untilState('late', 'starting');
    edit({
      late: sleeper({ start: { timeout: '1h' }, checks: { well: { command: { command: ['true'] }, interval: '1h' } } }),
    });
    await site.api('POST', 'reload');
    expect(await site.untilState('late', 'running')).toMatchObject({ pid, restarts: 0 });
  });

  it('gives one that was removed and added again while it left one process after the other', async () => {
    edit({
      slow: script(
        "process.on('SIGTERM', () => setTimeout(() => process.exit(), 500)); console.log('up'); setInterval(() => {}, 1e6)",
        {
          checks: {
            up: { command: { command: ['grep', '-q', 'up', '.paramedic/logs/slow/stdout.log'] }, interval: '1h' },
          },
        },
      ),
    });
    await site.api('POST', 'reload');
    const { pid } = await site.untilState('slow', 'running');
    const slow = components['slow']!;
    edit({ slow: undefined });
    await site.api('POST', 'reload');
    edit({ slow });
    await site.api('POST', 'reload');
    await site.untilState('slow', 'running', pid);
    const events = (await site.events()).filter(({ component }) => component === 'slow').map(({ type }) => type);
    expect(events.lastIndexOf('component.starting')).toBeGreaterThan(events.indexOf('component.stopped'));
    expect(isAlive(pid!)).toBe(false);
  });
});

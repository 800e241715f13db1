import { spawn } from 'node:child_process';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ComponentView, StatusView } from '../../src/supervisor/api.ts';
import { tempFolder, until } from '../support/temp.ts';
import { answer, paramedic, playDaemon, problem, start, type Route } from './support.ts';

const component = (fields: Partial<ComponentView>): ComponentView => ({
  name: 'gmail',
  kind: 'process',
  state: 'running',
  health: 'healthy',
  priority: 'high',
  enabled: true,
  held: false,
  pid: 4711,
  incarnation: 'x',
  adopted: false,
  since: '2026-11-23T12:00:00.000Z',
  uptime_seconds: 90,
  restarts: 2,
  crashes: 2,
  last_crash_at: null,
  restart_budget: { used: 2, limit: 5, window_seconds: 300 },
  next_start_at: null,
  why: '',
  depends_on: [],
  cpu_ratio: 0.123,
  resident_memory_bytes: 52_428_800,
  open_fds: 20,
  checks: [],
  ...fields,
});

const status: StatusView = {
  version: '0.1.0',
  pid: 123,
  address: '127.0.0.1:9477',
  started_at: '2026-11-23T12:00:00.000Z',
  uptime_seconds: 3_700,
  config: '/x/paramedic.yaml',
  state_dir: '/x/.paramedic',
  recovery_mode: false,
  health: 'degraded',
  why: 'mail: the check api fails',
  level: 'full',
  level_why: '',
  features_off: [],
  restarts_last_hour: 2,
  max_restarts_per_hour: 10,
  components: [
    component({}),
    component({
      name: 'browser_control',
      state: 'failed',
      health: 'unknown',
      pid: null,
      uptime_seconds: null,
      cpu_ratio: null,
      resident_memory_bytes: null,
      restarts: 5,
      why: 'restart budget used up',
    }),
  ],
};

describe('status', () => {
  it('is a page of aligned columns, without colours where nobody sees them', async () => {
    const folder = await playDaemon({ 'GET /status': answer(status) });
    expect(await paramedic(['status'], folder)).toEqual({
      code: 0,
      stderr: '',
      stdout: `paramedic 0.1.0: degraded; pid 123, up 1h 1m, http://127.0.0.1:9477, 2 of 10 restarts in the last hour
mail: the check api fails

COMPONENT        STATE    HEALTH   PID   UPTIME  RESTARTS  CPU  MEMORY  WHY
gmail            running  healthy  4711  1m 30s  2         12%  50 MiB
browser_control  failed   unknown  -     -       5         -    -       restart budget used up
`,
    });
  });

  it('is the whole view with --json', async () => {
    const folder = await playDaemon({ 'GET /status': answer(status) });
    expect(JSON.parse((await paramedic(['status', '--json'], folder)).stdout)).toEqual(status);
  });

  it('is watched on a terminal only', async () => {
    const folder = await playDaemon({ 'GET /status': answer(status) });
    expect(await paramedic(['status', '--watch'], folder)).toMatchObject({
      code: 2,
      stdout: '',
      stderr: '--watch redraws a terminal; here is none.\n',
    });
  });
});

describe('a request about a component', () => {
  it.each([
    { command: ['restart', 'gmail'], route: 'POST /components/gmail/restart', body: {} },
    { command: ['restart', 'gmail', '--force'], route: 'POST /components/gmail/restart', body: { force: true } },
    { command: ['start-component', 'gmail'], route: 'POST /components/gmail/start', body: {} },
    { command: ['stop-component', 'gmail'], route: 'POST /components/gmail/stop', body: {} },
  ])('$command is $route', async ({ command, route, body }) => {
    const bodies: unknown[] = [];
    const act: Route = (request, response) => {
      bodies.push(JSON.parse(request.body));
      answer({ action: 'x', message: 'gmail is running (pid 9)' })(request, response);
    };
    const folder = await playDaemon({ [route]: act });
    expect(await paramedic(command, folder)).toEqual({ code: 0, stdout: 'gmail is running (pid 9)\n', stderr: '' });
    expect(bodies).toEqual([body]);
  });

  it.each([
    [404, 'COMPONENT_NOT_FOUND', 1],
    [409, 'ACTION_REFUSED', 1],
    [500, 'INTERNAL', 1],
  ])('answered %d %s ends with the sentence and %d', async (http, code, exit) => {
    const folder = await playDaemon({ 'POST /components/gmail/restart': problem(http, code, 'It did not work.') });
    expect(await paramedic(['restart', 'gmail'], folder)).toEqual({
      code: exit,
      stdout: '',
      stderr: 'It did not work.\n',
    });
  });
});

describe('explain', () => {
  it('says what would happen and why', async () => {
    const view = {
      component: 'gmail',
      state: 'running',
      if_it_crashed_now: { kind: 'restart', rule: 'x', delayMs: 0, attempt: 1 },
      sentence: 'It would be restarted in 5 s.',
      policy: { policy: 'immediate', max_restarts: 5 },
      restart_budget: { used: 1, limit: 5, window_seconds: 300 },
      slow_loop: { used: 2, limit: 5 },
      attempts: 1,
      poisoned_checkpoints: ['CP-1'],
      dependents: ['browser'],
      features: ['speech'],
    };
    const folder = await playDaemon({ 'GET /components/gmail/explain': answer(view) });
    const { code, stdout } = await paramedic(['explain', 'gmail'], folder);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout:
        'gmail is running.\nIt would be restarted in 5 s.\nRestarts: 1 of 5 within 300 s; 1 since it was last well for that long.\nThe same crash: 2 times within 24 h; with 5 it has failed.\nIt would not continue from CP-1: it crashed soon after, each time.\nWhat depends on it: browser.\nWhat is off while it is given up: speech.\nPolicy: policy=immediate max_restarts=5\n',
    });
    expect(JSON.parse((await paramedic(['explain', 'gmail', '--json'], folder)).stdout)).toEqual(view);
  });
});

describe('reload', () => {
  const nothing = { added: [], removed: [], changed: [], daemon_restart_needed: [] };

  it('tells what it cannot change, and how that is changed', async () => {
    const folder = await playDaemon({ 'POST /reload': answer({ ...nothing, daemon_restart_needed: ['telemetry'] }) });
    const { stdout } = await paramedic(['reload'], folder);
    expect(stdout).toBe(
      'no component changed\nonly a new daemon applies what has changed of: telemetry (`paramedic stop --keep-components`, then start it)\n',
    );
  });

  it('tells what changed', async () => {
    const folder = await playDaemon({ 'POST /reload': answer({ ...nothing, added: ['a', 'b'], changed: ['c'] }) });
    expect(await paramedic(['reload'], folder)).toEqual({ code: 0, stdout: 'added: a, b; changed: c\n', stderr: '' });
  });

  it('of a bad file ends with 2 and its problems', async () => {
    const folder = await playDaemon({
      'POST /reload': problem(400, 'CONFIG_INVALID', 'p.yaml:1:1 x: bad\np.yaml:2:1 y: bad'),
    });
    expect(await paramedic(['reload'], folder)).toEqual({
      code: 2,
      stdout: '',
      stderr: 'p.yaml:1:1 x: bad\np.yaml:2:1 y: bad\n',
    });
  });
});

describe('checkpoints', () => {
  const checkpoint = {
    checkpoint_id: 'CP-1',
    component: 'gmail',
    at: '2026-11-23T12:00:00.000Z',
    kind: 'full',
    trigger: 'interval',
    size_bytes: 2_048,
    schema_version: 1,
    valid: true,
  };

  const sound = { checked: 1, corrupted: [] };
  const done = { action: 'checkpoint', message: 'gmail has saved its state as CP-1', checkpoint_id: 'CP-1' };

  const nothing = { manifests: [], resume_points: [], files: [] };

  it('are listed', async () => {
    const folder = await playDaemon({ 'GET /checkpoints': answer({ ...nothing, checkpoints: [checkpoint] }) });
    expect((await paramedic(['checkpoints', 'list', '--component', 'gmail'], folder)).stdout).toBe(
      'CHECKPOINT  COMPONENT  AT                        KIND  TRIGGER   SIZE     SCHEMA  VALID\nCP-1        gmail      2026-11-23T12:00:00.000Z  full  interval  2.0 KiB  1       yes\n',
    );
  });

  it('are listed no more than were asked for, and that is said', async () => {
    const queries: string[] = [];
    const route: Route = (request, response) => {
      queries.push(request.url ?? '');
      answer({ ...nothing, checkpoints: [checkpoint] })(request, response);
    };
    const folder = await playDaemon({ 'GET /checkpoints': route });
    const { stdout } = await paramedic(['checkpoints', 'list', '--lines', '1'], folder);
    expect(stdout).toContain('These are the newest 1; `--lines` shows more.\n');
    expect(queries).toEqual([expect.stringContaining('limit=1')]);
  });

  it('are listed with where components continue from, and with files that have no record', async () => {
    const file = { checkpoint_id: 'CP-2', component: 'gmail', size_bytes: 2_048, file: '/x/gmail/CP-2.json' };
    const resume = { component: 'gmail', checkpoint_id: null, at: '2026-11-23T12:00:00.000Z' };
    const all = { ...nothing, checkpoints: [], files: [file], resume_points: [resume] };
    const folder = await playDaemon({ 'GET /checkpoints': answer(all) });
    const { stdout } = await paramedic(['checkpoints', 'list'], folder);
    expect(stdout).toContain('CP-2       gmail      2.0 KiB  /x/gmail/CP-2.json\n');
    expect(stdout).toContain('gmail continues from nothing until it saves again');
    expect(JSON.parse((await paramedic(['checkpoints', 'list', '--files', '--json'], folder)).stdout)).toEqual([file]);
  });

  it('are shown with the digits that were sent', async () => {
    const state = '{"id":12345678901234567890,"list":[1.0,-0,1e400,5]}';
    const info = JSON.stringify({ ...checkpoint, journal_complete: true }).slice(1);
    const route: Route = (_, response) => void response.end(`{"state":${state},${info}`);
    const folder = await playDaemon({
      'GET /checkpoints/CP-1': route,
      'GET /checkpoints': answer({ ...nothing, checkpoints: [checkpoint] }),
    });
    for (const more of [[], ['--json']]) {
      const { stdout } = await paramedic(['checkpoints', 'show', 'CP-1', ...more], folder);
      expect(stdout.replaceAll(/\s/g, '')).toContain(state.slice(1, -1));
    }
  });

  it.each([
    [['--timeout', '30s'], { component: 'gmail', timeout: '30s' }, 'gmail has saved its state as CP-1\n'],
    [['--kind', 'memory'], { component: 'gmail', kind: 'memory' }, 'gmail has saved its state as CP-1\n'],
    [['--json'], { component: 'gmail' }, JSON.stringify(done, null, 2) + '\n'],
  ])('are made with %j', async (options, asked, stdout) => {
    const bodies: unknown[] = [];
    const create: Route = (request, response) => {
      bodies.push(JSON.parse(request.body));
      answer(done)(request, response);
    };
    const folder = await playDaemon({ 'POST /checkpoints': create });
    expect(await paramedic(['checkpoints', 'create', 'gmail', ...options], folder)).toMatchObject({ code: 0, stdout });
    expect(bodies).toEqual([asked]);
  });

  it.each([
    [{ checked: 2, corrupted: [], files: [], manifests: sound, integrity: 'ok' }, 0],
    [{ checked: 2, corrupted: [{ ...checkpoint, valid: false }], files: [], manifests: sound, integrity: 'ok' }, 1],
    [
      {
        checked: 2,
        corrupted: [],
        files: [{ checkpoint_id: 'CP-1', file: '/x', why: 'it is gone' }],
        manifests: sound,
        integrity: 'ok',
      },
      1,
    ],
    [{ checked: 2, corrupted: [], files: [], manifests: sound, integrity: 'page 3 is never used' }, 1],
    [{ checked: 2, corrupted: [], files: [], manifests: { checked: 1, corrupted: [{}] }, integrity: 'ok' }, 1],
  ])('verified as %j end with %d', async (result, exit) => {
    const folder = await playDaemon({ 'POST /checkpoints/verify': answer(result) });
    const { code, stdout } = await paramedic(['checkpoints', 'verify', '--json'], folder);
    expect(code).toBe(exit);
    expect(JSON.parse(stdout)).toEqual(result);
  });
});

describe('degrade', () => {
  const feature = { enabled: true, reason: null, priority: 'low', depends_on: [], components: ['tts'] };
  const off = { ...feature, enabled: false, reason: 'the level is minimal', components: [], depends_on: ['network'] };
  const view = {
    level: 'minimal',
    reason: 'a person asked for it',
    until: '2026-11-23T12:00:00.000Z',
    policy_level: 'full',
    features: { speech: feature, browser: off },
  };

  it('shows the level and the features', async () => {
    const folder = await playDaemon({ 'GET /degradation': answer(view) });
    expect((await paramedic(['degrade'], folder)).stdout).toBe(
      `The level is minimal: a person asked for it, until 2026-11-23T12:00:00.000Z. It follows the machine.

FEATURE  STATE  PRIORITY  COMPONENTS  DEPENDS ON  WHY
speech   on     low       tts         -
browser  off    low       -           network     the level is minimal
`,
    );
    expect(JSON.parse((await paramedic(['degrade', '--json'], folder)).stdout)).toEqual(view);
  });

  it('shows that nothing is configured', async () => {
    const bare = { level: 'full', reason: '', until: null, policy_level: null, features: {} };
    const folder = await playDaemon({ 'GET /degradation': answer(bare) });
    expect((await paramedic(['degrade'], folder)).stdout).toBe(
      'The level is full. It does not follow the machine.\nNo features are configured.\n',
    );
  });

  it.each([
    [['minimal', '--for', '2h'], { level: 'minimal', for: '2h' }],
    [['auto'], { level: 'auto' }],
  ])('%j puts %j', async (args, body) => {
    const asked: string[] = [];
    const folder = await playDaemon({
      'PUT /degradation': (request, response) => {
        asked.push(request.body);
        answer({ ...view, message: 'done' })(request, response);
      },
    });
    expect(await paramedic(['degrade', ...args], folder)).toEqual({ code: 0, stdout: 'done\n', stderr: '' });
    expect(asked.map((one) => JSON.parse(one) as unknown)).toEqual([body]);
  });

  it.each([
    [['low'], "'low' is invalid for argument 'level'. Allowed choices are full, reduced"],
    [['full', '--for', 'soon'], 'Expected a duration such as 250ms, 5s or 1m.'],
    [['--for', '1h'], '--for goes with a level'],
    [['auto', '--for', '1h'], '--for: goes with a level only: auto ends what was held.'],
    [['reduced', '--for', '400d'], '--for: expected a duration longer than 0, at most 366d.'],
  ])('%j is a mistake of usage', async (args, why) => {
    const { code, stderr } = await paramedic(['degrade', ...args], await playDaemon({}));
    expect(code).toBe(2);
    expect(stderr).toContain(why);
  });
});

describe('breakers', () => {
  const breaker = {
    name: 'gpt_api',
    state: 'open',
    since: '2026-11-23T12:00:00.000Z',
    calls: 6,
    failure_ratio: 0.8333,
    probes_in_flight: 0,
    reason: '5 failures in a row',
  };

  it('are listed', async () => {
    const idle = { ...breaker, name: 'smtp', state: 'closed', calls: 0, failure_ratio: null, reason: '' };
    const folder = await playDaemon({ 'GET /breakers': answer({ breakers: [breaker, idle] }) });
    expect((await paramedic(['breakers', 'list'], folder)).stdout).toBe(
      'BREAKER  STATE   SINCE                     CALLS  FAILED  PROBES  WHY\ngpt_api  open    2026-11-23T12:00:00.000Z  6      83%     0       5 failures in a row\nsmtp     closed  2026-11-23T12:00:00.000Z  0      -       0\n',
    );
    expect(JSON.parse((await paramedic(['breakers', 'list', '--json'], folder)).stdout)).toEqual([breaker, idle]);
  });

  it('may be none', async () => {
    const folder = await playDaemon({ 'GET /breakers': answer({ breakers: [] }) });
    expect((await paramedic(['breakers', 'list'], folder)).stdout).toBe('No breakers.\n');
  });

  it.each(['open', 'close', 'reset'])('are asked to %s', async (wish) => {
    const folder = await playDaemon({ [`POST /breakers/gpt_api/${wish}`]: answer({ action: '', message: 'done' }) });
    expect(await paramedic(['breakers', wish, 'gpt_api'], folder)).toEqual({ code: 0, stdout: 'done\n', stderr: '' });
  });
});

describe('events', () => {
  const event = (seq: number) => ({
    seq,
    at: '2026-11-23T12:00:00.000Z',
    type: 'component.crashed',
    component: 'gmail',
    crash_type: 'unknown',
    exit: { code: 1 },
  });

  it('are one line each', async () => {
    const folder = await playDaemon({ 'GET /events': answer({ events: [event(1)] }) });
    expect((await paramedic(['events'], folder)).stdout).toBe(
      '2026-11-23T12:00:00.000Z component.crashed gmail crash_type=unknown exit={"code":1}\n',
    );
  });

  it('are followed: a stream that ends is resumed after the last one that was told', async () => {
    const resumedAfter: unknown[] = [];
    const folder = await playDaemon({
      'GET /events': (request, response) => {
        if (request.url?.includes('follow=false')) return answer({ events: [event(1)] })(request, response);
        const after = Number(request.headers['last-event-id']);
        resumedAfter.push(after);
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(`: \n\nid: ${after + 1}\nevent: x\ndata: ${JSON.stringify(event(after + 1))}\n\n`);
        if (after < 2) response.end('id: 9\nevent: cut off\nda');
      },
    });
    const { child, output } = start(['events', '-f', '--json'], folder);
    await until('three events', () => output().stdout.split('\n').length === 4);
    expect(
      output()
        .stdout.trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { seq: number }).seq),
    ).toEqual([1, 2, 3]);
    expect(resumedAfter).toEqual([1, 2]);
    child.kill();
  });
});

describe('logs', () => {
  async function withLogs(): Promise<{ folder: string; stdout: string; stderr: string }> {
    const logs = tempFolder();
    const [stdout, stderr] = [join(logs, 'stdout.log'), join(logs, 'stderr.log')];
    const folder = await playDaemon({ 'GET /components/gmail/logs': answer({ stdout, stderr }) });
    return { folder, stdout, stderr };
  }

  it('are the last lines of both streams, marked', async () => {
    const { folder, stdout, stderr } = await withLogs();
    writeFileSync(stdout, Array.from({ length: 50_000 }, (_, i) => `line ${i}\n`).join(''));
    await new Promise((resolve) => setTimeout(resolve, 20));
    writeFileSync(stderr, 'oops ü\nno line break');
    expect(await paramedic(['logs', 'gmail', '-n', '2'], folder)).toEqual({
      code: 0,
      stdout: 'out | line 49998\nout | line 49999\nerr | oops ü\nerr | no line break\n',
      stderr: '',
    });
  });

  it('are empty when nothing was written', async () => {
    const { folder } = await withLogs();
    expect(await paramedic(['logs', 'gmail'], folder)).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('are followed, also after a rotation', async () => {
    const { folder, stdout } = await withLogs();
    writeFileSync(stdout, 'first line\n');
    const { child, output } = start(['logs', 'gmail', '-f'], folder);
    await until('the first line', () => output().stdout === 'out | first line\n');
    appendFileSync(stdout, 'half');
    appendFileSync(stdout, ' a line\n');
    await until('the second line', () => output().stdout.endsWith('out | half a line\n'));
    writeFileSync(stdout, 'new\n');
    await until('the line after rotation', () => output().stdout.endsWith('out | new\n'));
    child.kill();
  });
});

describe('stop', () => {
  it('asks and waits until the daemon has ended', async () => {
    const daemon = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    onTestFinished(() => void daemon.kill('SIGKILL'));
    const bodies: unknown[] = [];
    const folder = await playDaemon(
      {
        'POST /stop': (request, response) => {
          bodies.push(JSON.parse(request.body));
          setTimeout(() => daemon.kill(), 300);
          answer({ stopping: true }, 202)(request, response);
        },
      },
      daemon.pid,
    );
    expect(await paramedic(['stop', '--keep-components'], folder)).toMatchObject({ code: 0, stderr: '' });
    expect(daemon.signalCode).toBe('SIGTERM');
    expect(bodies).toEqual([{ keep_components: true }]);
  });
});

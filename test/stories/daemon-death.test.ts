import { once } from 'node:events';
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { isAlive, paramedic, script, Site, sleeper } from '../support/daemon.ts';
import { audit } from '../support/ledger.ts';
import { until } from '../support/temp.ts';
import { carriers, chatty, environOf, lastWord, startsOf } from '../support/witness.ts';

const LONG = 120_000;
const unlimited = { restart: { max_restarts_per_hour: 1_000_000 } };
const eager = { policy: 'immediate', max_restarts: 1_000 };
const remembering = join(import.meta.dirname, '..', 'support', 'remembering.ts');

const names = (count: number) => Array.from({ length: count }, (_, index) => `c${index + 1}`);
const each = <T>(list: readonly string[], make: (name: string) => T) =>
  Object.fromEntries(list.map((name) => [name, make(name)]));

/** All that runs, by name; waits until each is running and has a pid. */
const untilRunning = (site: Site, count: number) =>
  until(
    `${count} running components`,
    async () => {
      const { components } = await site.status();
      const running = components.filter(({ state, pid }) => state === 'running' && pid !== null);
      return running.length === count && running;
    },
    60_000,
  );

const overwrite = (file: string, offset: number, bytes: Buffer) => {
  const descriptor = openSync(file, 'r+');
  writeSync(descriptor, bytes, 0, bytes.length, offset);
  closeSync(descriptor);
};

describe('components whose daemon is killed', () => {
  it('live on as they are, round after round, and are looked after again', { timeout: LONG }, async () => {
    const all = names(20);
    const site = new Site({ ...unlimited, components: each(all, (name) => chatty(name, { restart: eager })) });
    await site.start();
    const pids = new Map((await untilRunning(site, all.length)).map(({ name, pid }) => [name, pid!]));

    for (let round = 0; round < 4; round++) {
      const { url } = site;
      await site.end('SIGKILL');
      const words = new Map(all.map((name) => [name, lastWord(site, name)]));
      await until('all of them to go on writing', () => all.every((name) => lastWord(site, name) > words.get(name)!));

      await site.start();
      expect(site.url).toBe(url);
      const views = await untilRunning(site, all.length);
      expect(new Map(views.map(({ name, pid }) => [name, pid]))).toEqual(pids);
      for (const view of views) expect(view).toMatchObject({ adopted: true, restarts: 0, crashes: 0 });
    }
    expect(new Set(carriers(site))).toEqual(new Set(pids.values()));

    process.kill(pids.get('c1')!, 'SIGKILL');
    const next = await site.untilState('c1', 'running', pids.get('c1'));
    expect(next).toMatchObject({ adopted: false, restarts: 1, crashes: 1 });
    const { crashes } = (await site.api('GET', 'crashes')).body as { crashes: unknown[] };
    expect(crashes).toMatchObject([{ component: 'c1', exit_code: null, signal: null }]);

    expect(await site.api('POST', 'components/c2/stop')).toMatchObject({ status: 200 });
    expect(isAlive(pids.get('c2')!)).toBe(false);
    expect(await site.component('c2')).toMatchObject({ state: 'stopped', pid: null });

    await until('the first word of the new one', () => startsOf(site, 'c1').length === 2);
    for (const name of all.slice(1)) expect(startsOf(site, name)).toEqual([pids.get(name)]);
    expect(carriers(site)).toHaveLength(19);
    expect(await site.end()).toBe(0);
    expect(carriers(site)).toEqual([]);
  });

  it('are started and stopped in graceful company: stop --keep-components leaves them alone', async () => {
    const site = new Site({ components: each(names(3), (name) => chatty(name)) });
    await site.start();
    const before = await untilRunning(site, 3);
    const ended = site.ended();
    expect(await paramedic(['stop', '--keep-components', '--config', site.file])).toMatchObject({ code: 0 });
    expect(await ended).toBe(0);
    for (const { pid } of before) expect(isAlive(pid!)).toBe(true);

    await site.start();
    const after = await untilRunning(site, 3);
    expect(after.map(({ pid }) => pid)).toEqual(before.map(({ pid }) => pid));
    for (const view of after) expect(view).toMatchObject({ adopted: true, restarts: 0, crashes: 0 });
    for (const name of names(3)) expect(startsOf(site, name)).toHaveLength(1);
  });

  it('were being stopped: the next daemon finishes that, gently', async () => {
    const slow = script(
      `const fs = require('fs');
       process.on('SIGTERM', () => { fs.appendFileSync('asked', 'x'); });
       setInterval(() => { if (fs.existsSync('leave')) { fs.appendFileSync('left', 'x'); process.exit(0); } }, 20);
       fs.appendFileSync('slow.starts', process.pid + '\\n');`,
      { stop: { timeout: '60s' } },
    );
    const site = new Site({ components: { slow } });
    await site.start();
    const { pid } = await site.untilState('slow', 'running');
    await until('its first word', () => startsOf(site, 'slow').length === 1);
    void site.api('POST', 'components/slow/stop').catch(() => undefined);
    await until('the signal', () => existsSync(join(site.folder, 'asked')));
    await site.end('SIGKILL');
    await site.start();
    expect(await site.component('slow')).toMatchObject({ state: 'stopping', pid, held: true });
    writeFileSync(join(site.folder, 'leave'), '');
    const stopped = await site.untilState('slow', 'stopped');
    expect(stopped).toMatchObject({ held: true, crashes: 0, restarts: 0 });
    expect(existsSync(join(site.folder, 'left'))).toBe(true);
    expect(startsOf(site, 'slow')).toHaveLength(1);
  });
});

describe('a daemon that dies between a spawn and the storing of the pid', () => {
  const dying = { PARAMEDIC_TEST_DIE_AFTER_SPAWN: 'mail' };

  it('at its first start: the next one finds that very process', async () => {
    const site = new Site({ components: { mail: chatty('mail') } });
    const [, signal] = (await once(site.launch([], dying), 'exit')) as [number | null, string | null];
    expect(signal).toBe('SIGKILL');
    const [pid] = await until('its first word', () => startsOf(site, 'mail').length > 0 && startsOf(site, 'mail'));
    await site.start();

    expect(await site.untilState('mail', 'running')).toMatchObject({ pid, adopted: true, restarts: 0, crashes: 0 });
    expect(carriers(site)).toEqual([pid]);
    expect(startsOf(site, 'mail')).toEqual([pid]);
  });

  it('at a restart: the crash counts once, and the same recovery is finished', async () => {
    const site = new Site({ components: { mail: chatty('mail', { restart: eager }) } });
    await site.start();
    const first = await site.untilState('mail', 'running');
    await site.end('SIGKILL');
    await site.start([], dying);
    const ended = site.ended();
    process.kill(first.pid!, 'SIGKILL');
    await ended;
    const starts = await until('a second start', () => startsOf(site, 'mail').length > 1 && startsOf(site, 'mail'));
    await site.start();

    const view = await site.untilState('mail', 'running');
    expect(view).toMatchObject({ pid: starts[1], adopted: true, restarts: 1, crashes: 1 });
    expect(startsOf(site, 'mail')).toHaveLength(2);
    expect(carriers(site)).toEqual([starts[1]]);
    const [began] = await site.events('recovery.started');
    const finished = await until('the recovery to end', async () => (await site.events('recovery.finished'))[0]);
    expect(finished).toMatchObject({ recovery: began!['recovery'], outcome: 'recovered' });
    expect(await site.events('recovery.started')).toHaveLength(1);
  });
});

describe('what happened while no daemon was there', () => {
  it('a death is noticed at the boot, counted once, and healed', async () => {
    const site = new Site({ components: { mail: chatty('mail', { restart: eager }) } });
    await site.start();
    const before = await site.untilState('mail', 'running');
    await site.end('SIGKILL');
    process.kill(before.pid!, 'SIGKILL');
    await until('its end', () => !isAlive(before.pid!));
    await site.start();

    const after = await site.untilState('mail', 'running', before.pid);
    expect(after).toMatchObject({ adopted: false, crashes: 1, restarts: 1 });
    const { crashes } = (await site.api('GET', 'crashes')).body as { crashes: unknown[] };
    expect(crashes).toMatchObject([{ component: 'mail', exit_code: null, signal: null }]);
    expect(carriers(site)).toEqual([after.pid]);
  });

  it('what a dead one has left behind goes before the next one starts', async () => {
    const parent = script(
      `const fs = require('fs');
       fs.appendFileSync('parent.starts', process.pid + '\\n');
       const code = "require('net').createServer().listen(require('path').resolve('sock'));setInterval(() => {}, 1000)";
       const child = require('child_process').spawn(process.execPath, ['-e', code], { detached: true, stdio: 'inherit' });
       fs.writeFileSync('grandchild', String(child.pid));
       child.on('exit', () => process.exit(3));
       setInterval(() => {}, 1000);`,
      { restart: eager },
    );
    const site = new Site({ components: { parent } });
    await site.start();
    const before = await site.untilState('parent', 'running');
    await until('the socket', () => existsSync(join(site.folder, 'sock')));
    const grandchild = Number(readFileSync(join(site.folder, 'grandchild'), 'utf8'));
    await site.end('SIGKILL');
    process.kill(before.pid!, 'SIGKILL');
    await until('its end', () => !isAlive(before.pid!));
    expect(isAlive(grandchild)).toBe(true);
    rmSync(join(site.folder, 'sock'));
    await site.start();

    await site.untilState('parent', 'running', before.pid);
    expect(isAlive(grandchild)).toBe(false);
    await until('the first word of the new one', () => startsOf(site, 'parent').length === 2);
  });

  it('one that was disabled meanwhile is stopped, gently', async () => {
    const leaver = (enabled: boolean) =>
      script(
        `const fs = require('fs');
         fs.appendFileSync('mail.starts', process.pid + '\\n');
         process.on('SIGTERM', () => { fs.writeFileSync('left', ''); process.exit(0); });
         setInterval(() => {}, 1000);`,
        { enabled },
      );
    const site = new Site({ components: { mail: leaver(true) } });
    await site.start();
    const { pid } = await site.untilState('mail', 'running');
    await until('its first word', () => startsOf(site, 'mail').length === 1);
    await site.end('SIGKILL');
    site.configure({ components: { mail: leaver(false) } });
    await site.start();

    expect(await site.untilState('mail', 'stopped')).toMatchObject({ enabled: false, pid: null });
    expect(isAlive(pid!)).toBe(false);
    expect(existsSync(join(site.folder, 'left'))).toBe(true);
  });
});

describe('what was decided before the daemon died', () => {
  it('holds: who was held or has failed stays so', async () => {
    const site = new Site({
      ...unlimited,
      components: {
        held: chatty('held'),
        failed: script(`require('fs').appendFileSync('failed.starts', process.pid + '\\n'); process.exit(1)`, {
          restart: { policy: 'immediate', max_restarts: 2 },
        }),
      },
    });
    await site.start();
    await site.untilState('held', 'running');
    await until('its first word', () => startsOf(site, 'held').length === 1);
    await site.untilState('failed', 'failed');
    expect(await site.api('POST', 'components/held/stop')).toMatchObject({ status: 200 });
    await site.end('SIGKILL');
    await site.start();

    expect(await site.component('held')).toMatchObject({ state: 'stopped', held: true, pid: null });
    expect(await site.component('failed')).toMatchObject({ state: 'failed', pid: null, restarts: 2 });
    expect(startsOf(site, 'held')).toHaveLength(1);
    expect(startsOf(site, 'failed')).toHaveLength(3);

    expect(await site.api('POST', 'components/held/start')).toMatchObject({ status: 200 });
    expect(await site.component('held')).toMatchObject({ state: 'running', held: false });
  });

  it('goes on: a backoff lasts as long as it would have, and its recovery is the same', { timeout: LONG }, async () => {
    const restart = { policy: 'delayed', initial_delay: '12s', jitter: 0, max_restarts: 5 };
    const site = new Site({ components: { mail: chatty('mail', { restart }) } });
    await site.start();
    const { pid } = await site.untilState('mail', 'running');
    await until('its first word', () => startsOf(site, 'mail').length === 1);
    process.kill(pid!, 'SIGKILL');
    const waiting = await site.untilState('mail', 'backoff');
    const due = Date.parse(waiting.next_start_at!);
    await site.end('SIGKILL');
    await site.start();

    expect(Date.now()).toBeLessThan(due);
    expect(await site.component('mail')).toMatchObject({ state: 'backoff', next_start_at: waiting.next_start_at });
    await site.untilState('mail', 'running', pid, 40_000);
    const [, again] = await site.events('component.starting');
    expect(Date.parse(again!.at) - due).toBeGreaterThanOrEqual(0);
    // Not anew from the boot on; how late it comes is a matter of how busy the machine is.
    expect(Date.parse(again!.at) - due).toBeLessThan(10_000);
    const [began, ...more] = await site.events('recovery.started');
    expect(more).toEqual([]);
    const finished = await until('the recovery to end', async () => (await site.events('recovery.finished'))[0]);
    expect(finished).toMatchObject({ recovery: began!['recovery'], outcome: 'recovered' });
    await until('its second word', () => startsOf(site, 'mail').length === 2);
  });

  it('waits on: what gives way to a recovery still does, and comes when that is over', { timeout: LONG }, async () => {
    const checks = { ok: { command: { command: ['test', '-f', 'ok'] }, interval: '1s', failure_threshold: 1_000 } };
    const site = new Site({
      ...unlimited,
      components: {
        core: chatty('core', { priority: 'high', checks, start: { timeout: '100s' }, restart: eager }),
        mail: chatty('mail', { priority: 'medium', restart: eager }),
      },
    });
    writeFileSync(join(site.folder, 'ok'), '');
    await site.start();
    const before = await untilRunning(site, 2);
    const [core, mail] = ['core', 'mail'].map((wanted) => before.find(({ name }) => name === wanted)!.pid!);
    rmSync(join(site.folder, 'ok'));
    process.kill(core!, 'SIGKILL');
    const recovering = await site.untilState('core', 'starting', core);
    process.kill(mail!, 'SIGKILL');
    const waiting = await site.untilState('mail', 'backoff');
    expect(waiting).toMatchObject({ why: 'a component of higher priority is being recovered', next_start_at: null });
    await site.end('SIGKILL');
    await site.start();

    expect(await site.component('core')).toMatchObject({ state: 'starting', pid: recovering.pid, adopted: true });
    expect(await site.component('mail')).toMatchObject({ state: 'backoff', why: waiting.why, restarts: 0 });
    writeFileSync(join(site.folder, 'ok'), '');
    await site.untilState('core', 'running', core);
    expect(await site.untilState('mail', 'running', mail)).toMatchObject({ restarts: 1, crashes: 1 });
  });

  it('waits on: a restart that the host budget put off is not slipped in at the boot', async () => {
    const site = new Site({
      restart: { max_restarts_per_hour: 1 },
      components: { mail: chatty('mail', { restart: eager }) },
    });
    await site.start();
    const first = await site.untilState('mail', 'running');
    process.kill(first.pid!, 'SIGKILL');
    const second = await site.untilState('mail', 'running', first.pid);
    await until('its word', () => startsOf(site, 'mail').includes(second.pid!));
    process.kill(second.pid!, 'SIGKILL');
    const waiting = await site.untilState('mail', 'backoff');
    expect(waiting.why).toContain('max_restarts_per_hour: 1');
    await site.end('SIGKILL');
    await site.start();

    expect(await site.component('mail')).toMatchObject({
      state: 'backoff',
      next_start_at: waiting.next_start_at,
      why: waiting.why,
    });
    expect(carriers(site)).toEqual([]);
    expect(startsOf(site, 'mail').at(-1)).toBe(second.pid);
  });
});

describe('files damaged while no daemon was there', () => {
  const damages: [string, (file: string) => void][] = [
    ['overwritten at its beginning', (file) => overwrite(file, 0, Buffer.alloc(200, 'not a database '))],
    ['cut to nonsense', (file) => truncateSync(file, 100)],
    ['overwritten in its middle', (file) => overwrite(file, 4_096, Buffer.alloc(statSync(file).size - 4_096, 0x5a))],
  ];

  const ruinIndex = (file: string) => {
    const db = new Sqlite(file);
    const select = db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'event_by_type'").pluck();
    const [page, size] = [Number(select.get()), Number(db.pragma('page_size', { simple: true }))];
    db.close();
    overwrite(file, (page - 1) * size, Buffer.alloc(size, 0x5a));
  };

  it.each([...damages, ['overwritten where only an index is', ruinIndex] as const])(
    'events.db %s is set aside; children are known by their tokens',
    async (_, damage) => {
      const site = new Site({ components: each(names(3), (name) => chatty(name)) });
      await site.start();
      const before = await untilRunning(site, 3);
      // Ended in peace, so that what is to be read is in the file and not in its WAL.
      await paramedic(['stop', '--keep-components', '--config', site.file]);
      await site.end('SIGKILL');
      damage(join(site.stateDir, 'db', 'events.db'));
      await site.start();

      const after = await untilRunning(site, 3);
      expect(after.map(({ pid }) => pid)).toEqual(before.map(({ pid }) => pid));
      for (const view of after) expect(view).toMatchObject({ adopted: true, restarts: 0, crashes: 0 });
      for (const name of names(3)) expect(startsOf(site, name)).toHaveLength(1);
      expect(carriers(site)).toHaveLength(3);
      const [told] = await site.events('store.set_aside');
      expect(told).toMatchObject({ store: 'events' });
      expect(existsSync(String(told!['moved_to']))).toBe(true);
      expect(readFileSync(join(site.stateDir, 'logs', 'paramedic.log'), 'utf8')).toMatch(
        /the events database was unusable \(.+\) and was moved to .+corrupt/,
      );

      process.kill(after[0]!.pid!, 'SIGKILL');
      expect(await site.untilState('c1', 'backoff')).toMatchObject({ crashes: 1 });
    },
  );

  it.each(damages)('state.db %s is set aside; who remembers goes on', { timeout: LONG }, async (_, damage) => {
    const site = new Site({
      components: { planner: { command: [process.execPath, remembering, 'ledger'], restart: eager } },
    });
    const account = () => audit(join(site.folder, 'ledger'));
    await site.start();
    const { pid } = await site.untilState('planner', 'running');
    await until('some checkpoints', () => account().checkpoints > 2, 30_000);
    await paramedic(['stop', '--keep-components', '--config', site.file]);
    await site.end('SIGKILL');
    damage(join(site.stateDir, 'db', 'state.db'));
    const known = account().checkpoints;
    await site.start();

    expect(await site.component('planner')).toMatchObject({ pid, adopted: true, restarts: 0 });
    expect(await until('the event', async () => (await site.events('store.set_aside'))[0])).toMatchObject({
      store: 'state',
    });
    await until('new checkpoints', () => account().checkpoints > known + 2, 30_000);
    process.kill(pid!, 'SIGKILL');
    await site.untilState('planner', 'running', pid);
    await until('a second restore', () => account().restores === 2);
    expect(account()).toMatchObject({ lost: [], doubled: [], older: [], errors: [] });
  });

  it('a lost component.key costs nobody its life, nor its voice', { timeout: LONG }, async () => {
    const site = new Site({
      components: {
        mail: chatty('mail'),
        planner: { command: [process.execPath, remembering, 'ledger'], restart: eager },
      },
    });
    const account = () => audit(join(site.folder, 'ledger'));
    await site.start();
    const before = await untilRunning(site, 2);
    await until('some steps', () => account().acknowledged > 50, 30_000);
    await site.end('SIGKILL');
    rmSync(join(site.stateDir, 'tokens', 'component.key'));
    await site.start();

    const after = await untilRunning(site, 2);
    expect(after.map(({ pid }) => pid)).toEqual(before.map(({ pid }) => pid));
    for (const view of after) expect(view).toMatchObject({ adopted: true, restarts: 0, crashes: 0 });
    expect(carriers(site)).toHaveLength(2);
    const known = account().acknowledged;
    await until('more steps', () => account().acknowledged > known + 50, 30_000);
    expect(account()).toMatchObject({ lost: [], doubled: [], errors: [] });
  });
});

describe('a component that journals while its daemon comes and goes', () => {
  it('loses no entry and repeats none, on the same port', { timeout: LONG }, async () => {
    const site = new Site({
      components: { planner: { command: [process.execPath, remembering, 'ledger'], restart: eager } },
    });
    const account = () => audit(join(site.folder, 'ledger'));
    await site.start();
    const { pid } = await site.untilState('planner', 'running');
    for (const way of ['SIGKILL', 'keep', 'SIGKILL', 'keep', 'SIGKILL']) {
      const known = account().acknowledged;
      await until('more steps', () => account().acknowledged > known + 200, 30_000);
      if (way === 'keep') await paramedic(['stop', '--keep-components', '--config', site.file]);
      await site.end('SIGKILL');
      await site.start();
      expect(await site.component('planner')).toMatchObject({ pid, adopted: true, restarts: 0 });
    }
    const known = account().acknowledged;
    await until('more steps', () => account().acknowledged > known + 200, 30_000);
    expect(environOf(pid!, 'PARAMEDIC_URL')).toBe(site.url);

    process.kill(pid!, 'SIGKILL');
    await site.untilState('planner', 'running', pid);
    await until('a second restore', () => account().restores === 2);
    expect(account()).toMatchObject({ lost: [], doubled: [], older: [], errors: [] });
    expect(account().starts).toHaveLength(2);
  });
});

describe('a disk that takes nothing more', () => {
  it('stops no restart, is told once, and what happened meanwhile is written later', { timeout: LONG }, async () => {
    const site = new Site({ ...unlimited, components: { mail: sleeper({ priority: 'critical', restart: eager }) } });
    await site.start();
    const wal = join(site.stateDir, 'db', 'events.db-wal');
    let { pid } = await site.untilState('mail', 'running');
    await until('the log of the start to be written', () => logLines(site).some((line) => line.includes('is ready')));
    // No file of the daemon may grow beyond this: EFBIG, as near to a full disk as it gets without being root.
    const limit = (bytes: string) =>
      execFileSync('prlimit', ['--pid', String(site.pid), `--fsize=${bytes}:unlimited`], { stdio: 'pipe' });
    limit(String(statSync(wal).size));

    for (let kills = 0; kills < 10; kills++) {
      process.kill(pid!, 'SIGKILL');
      pid = (await site.untilState('mail', 'running', pid)).pid;
    }
    const complaints = () => logLines(site).filter((line) => line.includes('events.db could not be written'));
    await until('the complaint', () => complaints().length > 0);
    expect(complaints()).toHaveLength(1);

    limit('unlimited');
    process.kill(pid!, 'SIGKILL');
    const last = await site.untilState('mail', 'running', pid);
    expect(last).toMatchObject({ crashes: 11, restarts: 11 });
    await until('the log to say that it is over', () =>
      logLines(site).some((line) => line.includes('events.db is written again')),
    );
    await site.end('SIGKILL');
    await site.start();
    expect(await site.component('mail')).toMatchObject({ pid: last.pid, adopted: true, crashes: 11, restarts: 11 });
    expect(await site.events('component.crashed')).toHaveLength(11);
  });
});

const logLines = (site: Site): string[] => {
  const folder = join(site.stateDir, 'logs');
  return readdirSync(folder)
    .filter((name) => name.startsWith('paramedic.log'))
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n'));
};

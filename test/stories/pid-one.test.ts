import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { script, Site } from '../support/daemon.ts';
import { until } from '../support/temp.ts';

/*
 * The daemon as the first process of a container: a pid namespace of its own, made by `unshare`, and its /proc.
 * Where that is not allowed (no root, no namespaces of users) there is nothing to test.
 */

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts');
const ways = [[], ['--user', '--map-root-user']].map((more) => [
  ...more,
  '--pid',
  '--fork',
  '--mount-proc',
  '--kill-child',
]);
const way = ways.find((args) => spawnSync('unshare', [...args, 'true']).status === 0);
if (!way) process.stderr.write('skipped: no namespace of pids may be made here, so no daemon can be PID 1\n');

/** Threads and programs come and go meanwhile. */
const read = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
};
const childrenOf = (pid: number): number[] =>
  readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    read(`/proc/${pid}/task/${thread}/children`).split(' ').filter(Boolean).map(Number),
  );

describe.skipIf(!way)('a daemon that is PID 1', () => {
  it('waits for the orphans of its components, keeps their own exits, and ends when it must', async () => {
    const site = new Site({
      components: {
        parent: {
          command: ['sh', '-c', `(sh -c ': > orphan; until [ -e leave ]; do sleep 0.05; done' &); exec sleep 1000`],
          // Programs that Node itself starts and waits for.
          checks: { busy: { command: { command: ['true'] }, interval: '1s' } },
        },
        main: script(`setInterval(() => { if (require('node:fs').existsSync('die')) process.exit(78); }, 20)`, {
          restart: { on_failed: 'exit', exit_codes: { 78: 'fail' } },
        }),
      },
    });
    const outer = spawn('unshare', [...way!, process.execPath, MAIN, 'start', '--config', site.file], {
      env: { ...process.env, NO_COLOR: '1' },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const ended = new Promise((resolve) => outer.once('exit', resolve));
    onTestFinished(async () => {
      outer.kill('SIGKILL');
      await ended;
    });
    await until('daemon.json', () => existsSync(join(site.stateDir, 'daemon.json')), 60_000);
    await until('a daemon that supervises', async () => (await site.status()).health === 'healthy');
    expect((await site.status()).pid).toBe(1);

    const [daemon] = childrenOf(outer.pid!);
    const commands = () => childrenOf(daemon!).map((pid) => read(`/proc/${pid}/cmdline`).replaceAll('\0', ' '));
    const isThere = (what: string) => commands().some((command) => command.includes(what));
    await until('the orphan', () => isThere('sleep 1000') && isThere('until [ -e leave ]'));
    site.write('leave', '');
    // Two components and, now and then, a program of the check.
    await until('nothing but the components', () => commands().length === 2);
    const checks = (await site.component('parent')).checks;
    expect(checks).toMatchObject([{ status: 'healthy' }]);

    site.write('die', '');
    expect(await ended).toBe(1);
    expect(site.read('.paramedic/logs/paramedic.log')).toContain('main crashed: exit code 78');
  });
});

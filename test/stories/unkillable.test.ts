import { spawn, type ChildProcess } from 'node:child_process';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isAlive, script, Site, sleeper } from '../support/daemon.ts';

/*
 * A process that a debugger holds at its exit is killed and does not go, as one that waits for a dead disk: it keeps
 * its ports and files, and no signal reaches it. It goes when the debugger does.
 */

const koffi = JSON.stringify(createRequire(import.meta.url).resolve('koffi'));
/** PR_SET_PTRACER to anybody: where only ancestors may be debuggers otherwise. */
const open = `require(${koffi}).load('libc.so.6').func('int prctl(int option, long who)')(0x59616d61, -1);
  console.log('up'); setInterval(() => {}, 1e6);`;
/** PTRACE_SEIZE with PTRACE_O_TRACEEXIT, and never a word after it. */
const debuggerOf = (pid: number) => `
  const ptrace = require(${koffi}).load('libc.so.6').func('long ptrace(long request, int pid, void *at, long data)');
  console.log(ptrace(0x4206, ${pid}, null, 0x40) === 0 ? 'held' : 'refused');
  setInterval(() => {}, 1e6);`;

describe.skipIf(process.platform !== 'linux')('a component that cannot be killed', () => {
  const site = new Site(
    {
      components: {
        stuck: script(open, {
          stop: { timeout: '300ms' },
          checks: { up: { command: { command: ['grep', '-q', 'up', '.paramedic/logs/stuck/stdout.log'] } } },
        }),
        below: sleeper(),
        other: sleeper(),
      },
    },
    afterAll,
  );
  const debuggers: ChildProcess[] = [];
  const letGo = () => debuggers.splice(0).forEach((held) => held.kill('SIGKILL'));
  afterAll(letGo);

  async function hold(): Promise<number> {
    const { pid } = await site.untilState('stuck', 'running');
    const child = spawn(process.execPath, ['-e', debuggerOf(pid!)], { stdio: ['ignore', 'pipe', 'inherit'] });
    debuggers.push(child);
    const said = await new Promise((resolve) => child.stdout.once('data', (text: Buffer) => resolve(String(text))));
    expect(said).toBe('held\n');
    return pid!;
  }
  const incidents = async (status: string) =>
    ((await site.api('GET', `incidents?state=${status}`)).body as { incidents: Record<string, unknown>[] }).incidents;

  let pid = 0;
  beforeAll(async () => {
    await site.start();
    pid = await hold();
  });

  it('holds up no other, and whoever asked is told', async () => {
    const stopped = site.api('POST', 'components/stuck/stop');
    await site.untilState('stuck', 'stopping');
    expect(await site.api('POST', 'components/other/restart')).toMatchObject({ status: 200 });
    expect(await site.api('POST', 'components/other/stop')).toMatchObject({ status: 200 });

    expect(await stopped).toMatchObject({ status: 502, body: { code: 'ACTION_FAILED' } });
    expect(isAlive(pid)).toBe(true);
    const why = `process ${pid} is still there 5s after it was killed (state t)`;
    expect(await site.component('stuck')).toMatchObject({ state: 'stopping', pid, why });
    expect(await site.events('component.unkillable')).toMatchObject([{ component: 'stuck', pid, process_state: 't' }]);
  });

  it('is an incident, and nothing is started in its place', async () => {
    expect(await incidents('open')).toMatchObject([{ component: 'stuck', severity: 'critical' }]);
    const refused = await site.api('POST', 'components/stuck/start');
    expect(refused).toMatchObject({ status: 502 });
    expect(JSON.stringify(refused.body)).toContain('it cannot be killed');
    const starts = (await site.events('component.starting')).filter(({ component }) => component === 'stuck');
    expect(starts).toHaveLength(1);
  });

  it('is back as ever once it has gone', async () => {
    letGo();
    expect(await site.untilState('stuck', 'stopped')).toMatchObject({ pid: null });
    expect(isAlive(pid)).toBe(false);
    expect(await incidents('open')).toEqual([]);
    expect(await site.api('POST', 'components/stuck/start')).toMatchObject({ status: 200 });
  });

  it('does not keep the daemon from its end, which says who is left', async () => {
    const { pid: below } = await site.component('below');
    const held = await hold();
    expect(await site.end()).toBe(0);
    expect(site.output).toContain('left behind: stuck: it cannot be killed');
    expect([below!, held].map(isAlive)).toEqual([false, true]);
  });
});

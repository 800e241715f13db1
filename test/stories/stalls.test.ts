import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CrashReport } from '../../src/crashes/index.ts';
import { isAlive, Site, sleeper } from '../support/daemon.ts';
import { until } from '../support/temp.ts';

/** Has the main thread of the daemon run code soon, from a timer as its own code would. */
async function inject(site: Site, code: string): Promise<void> {
  process.kill(site.pid, 'SIGUSR1');
  const url = await until('an inspector', () => /Debugger listening on (ws:\S+)/.exec(site.output)?.[1]);
  const socket = new WebSocket(url);
  await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }));
  const answered = new Promise((resolve) => socket.addEventListener('message', resolve, { once: true }));
  const expression = `setTimeout(() => { ${code} }, 300)`;
  socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression } }));
  await answered;
  socket.close();
}

const reportsOf = (site: Site): CrashReport[] => {
  const folder = join(site.stateDir, 'crashes');
  const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return names.map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as CrashReport);
};
/** A port of its own: the usual one may be in use on this machine. */
const env = { NODE_OPTIONS: '--inspect-port=0' };
const stalled = (site: Site) =>
  until(
    'a report of the daemon itself',
    () => reportsOf(site).find(({ component }) => component === 'paramedic'),
    40_000,
  );

describe.runIf(process.platform === 'linux')('a daemon whose main thread stands still', () => {
  const config = { components: { mail: sleeper() } };
  // Both stand still at the same time: five seconds must pass before anybody may call it so.
  const [alone, managed] = [new Site(config, afterAll), new Site(config, afterAll)];
  let ended: Promise<number | null>;
  const pids: (number | null)[] = [];
  beforeAll(async () => {
    await Promise.all([alone.start([], env), managed.start(['--service'], env)]);
    for (const site of [alone, managed]) pids.push((await site.untilState('mail', 'running')).pid);
    ended = managed.ended();
    const fs = "process.getBuiltinModule('fs')";
    const go = JSON.stringify(join(alone.folder, 'go-on'));
    await inject(alone, `(function spinOfTheDaemon() { while (!${fs}.existsSync(${go})); })()`);
    const lock = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)';
    await inject(managed, `(function heldByTheTest() { ${lock}; })()`);
  }, 60_000);

  it('writes down what it is in, goes on where nobody would start it again, and says so', async () => {
    const report = await stalled(alone);
    alone.write('go-on', '');
    expect(report.stack_trace).toMatch(/^ {4}at (?:.*\n {4}at )*spinOfTheDaemon \(/);
    expect(report.crash_type).toMatch(/^(infinite_loop|watchdog_timeout)$/);
    expect(report.active_threads[0]).toContain(`(ID: ${alone.pid}) - `);
    expect(report.recent_logs.join('\n')).toContain('mail');
    expect(report.additional_context).toMatchObject({ ends_itself: false, no_javascript_stack: null });
    await until('a line on stderr', () => alone.output.includes('paramedic: the main thread has stood still for'));

    const [told] = await until('the event', async () => {
      const events = await alone.events('daemon.stalled');
      return events.length > 0 && events;
    });
    expect(told).toMatchObject({ crash: report.crash_id, crash_type: report.crash_type });
    expect(await alone.component('mail')).toMatchObject({ pid: pids[0], state: 'running' });
  }, 60_000);

  it('ends itself where a service manager starts it again, and its components run on', async () => {
    expect(await ended).toBeNull();
    expect(reportsOf(managed).find(({ component }) => component === 'paramedic')).toMatchObject({
      crash_type: 'deadlock',
      severity: 'critical',
      stack_trace: expect.stringContaining('at heldByTheTest ('),
      additional_context: { ends_itself: true },
    });
    expect(isAlive(pids[1]!)).toBe(true);
    await managed.start(['--service'], env);
    expect(await managed.untilState('mail', 'running')).toMatchObject({ pid: pids[1], adopted: true });
  }, 60_000);
});

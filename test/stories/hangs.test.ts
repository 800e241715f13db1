import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { client, Site } from '../support/daemon.ts';
import { until } from '../support/temp.ts';

interface Report {
  readonly component: string;
  readonly crash_type: string;
  readonly stack_trace: string | null;
  readonly active_threads: readonly string[];
  readonly open_resources: readonly string[];
  readonly additional_context: {
    readonly hung: {
      readonly javascript_of: number | null;
      readonly no_javascript_stack: string | null;
    } | null;
  };
}

/** The written reports, oldest first. */
const reportsOf = (site: Site): Report[] => {
  const folder = join(site.stateDir, 'crashes');
  const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return names.toSorted().map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Report);
};

describe.runIf(process.platform === 'linux')('a component', () => {
  it('that beats and does not get on, or no longer touches its file, hangs', async () => {
    const eager = { policy: 'immediate', max_restarts: 1_000 };
    const about = { restart: eager, start: { timeout: '20s', period: 0 }, priority: 'critical' };
    const every = { interval: '200ms', failure_threshold: 3 };
    const site = new Site({
      restart: { max_restarts_per_hour: 1_000 },
      components: {
        stuck: client(
          'line.startHeartbeat({ intervalMs: 100, beat: () => ({ progress: 7 }) }); setInterval(() => {}, 1e6);',
          {
            ...about,
            checks: { moves: { heartbeat: { timeout: '20s', progress_timeout: '600ms' }, ...every } },
          },
        ),
        silent: {
          ...about,
          command: ['sh', '-c', 'for i in 1 2 3 4 5 6 7 8 9; do touch alive; sleep 0.2; done; exec sleep 1000'],
          checks: { alive: { file: { path: 'alive', max_age: '1500ms', since_start: true }, ...every } },
        },
      },
    });
    await site.start();
    await until(
      'both to be ended for a hang',
      async () => {
        const hangs = (await site.events('restart.decided')).filter(({ reason }) => reason === 'hang');
        return ['stuck', 'silent'].every((name) => hangs.some(({ component }) => component === name));
      },
      40_000,
    );
    const [tripped] = (await site.events('check.tripped')).filter(({ component }) => component === 'stuck');
    expect(tripped).toMatchObject({ consecutive_failures: 3 });
    expect(tripped?.['message']).toMatch(/^it beats, and its progress has been 7 for /);
  });
});

describe.runIf(process.platform === 'linux')('the report of a component that hung', () => {
  it('shows what it hung in, taken while it still lived', async () => {
    const program = `
      line.startHeartbeat({ intervalMs: 100 });
      function spinForEver() { for (;;); }
      function waitForEver() { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); }
      setTimeout(process.env.HANGS === 'busy' ? spinForEver : waitForEver, 500);`;
    // The port of its own is for this test: the usual one may be in use on the machine.
    const hangs = (how: string) => ({
      env: { HANGS: how, NODE_OPTIONS: '--inspect-port=0' },
      checks: { alive: { heartbeat: { timeout: '3s' }, interval: '200ms', failure_threshold: 1 } },
      restart: { policy: 'immediate', max_restarts: 1_000 },
      start: { timeout: '20s', period: 0 },
      priority: 'critical',
    });
    const site = new Site({
      restart: { max_restarts_per_hour: 1_000 },
      components: { busy: client(program, hangs('busy')), idle: client(program, hangs('idle')) },
    });
    await site.start();
    // Half a second must do for the stack: on a machine that is busy otherwise a hang may be told without it, and why.
    const shown = await until(
      'a report of each with what it hung in',
      () => {
        const of = (name: string, frame: string) => {
          const hung = reportsOf(site).filter((report) => report.component === name && report.additional_context.hung);
          const late = hung.filter(({ additional_context: { hung: seen } }) =>
            /in time/.test(seen?.no_javascript_stack ?? ''),
          );
          return (
            hung.find(({ stack_trace }) => stack_trace?.includes(frame)) ?? (late.length >= 3 ? late[0] : undefined)
          );
        };
        const busy = of('busy', 'at spinForEver (');
        const idle = of('idle', 'at waitForEver (');
        return busy && idle && { busy, idle };
      },
      90_000,
    );
    expect(shown.idle.crash_type).toMatch(/^(deadlock|watchdog_timeout)$/);
    expect(shown.busy.crash_type).toMatch(/^(infinite_loop|watchdog_timeout)$/);
    const { active_threads, open_resources, additional_context } = shown.idle;
    const pid = additional_context.hung?.javascript_of;
    expect(active_threads[0]).toMatch(new RegExp(`^\\w+ \\(ID: ${pid}\\) - sleeping, `));
    expect(open_resources).toContain(`File: ${join(site.stateDir, 'logs', 'idle', 'stdout.log')}`);
    // The kill stays within its bounds, whatever the examination takes.
    const events = await site.events();
    const stopping = events.filter(({ type }) => type === 'component.stopping');
    expect(stopping.map((event) => event['grace_ms'])).toContain(1_000);
  }, 120_000);
});

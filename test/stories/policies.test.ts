import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isAlive, script, Site, sleeper } from '../support/daemon.ts';
import { until } from '../support/temp.ts';

const slow = { policy: 'exponential_backoff', initial_delay: '400ms', jitter: '10%', max_restarts: 100 };
const site = new Site(
  {
    restart: { max_restarts_per_hour: 1_000 },
    // One that is being recovered would hold up those of a lower priority.
    defaults: { priority: 'critical' },
    components: {
      never: sleeper({ restart: { policy: 'no_restart' } }),
      by_hand: sleeper({ restart: { policy: 'manual_only' } }),
      later: sleeper({ restart: { policy: 'delayed', initial_delay: '500ms', jitter: 0 } }),
      growing: script('process.exit(1)', { restart: { ...slow, max_delay: '2s' } }),
      waiting: sleeper({ restart: { policy: 'delayed', initial_delay: '1h', max_delay: '1h', jitter: 0 } }),
      done: script('setTimeout(() => process.exit(0), 300)', { restart: { exit_codes: { 0: 'ignore' } } }),
      broken: script('setTimeout(() => process.exit(78), 300)', { restart: { exit_codes: { 78: 'fail' } } }),
    },
  },
  afterAll,
);
beforeAll(() => site.start());

async function killed(name: string): Promise<number> {
  const { pid } = await site.untilState(name, 'running');
  process.kill(pid!, 'SIGKILL');
  return pid!;
}
const startsOf = async (name: string) =>
  (await site.events('component.starting')).filter(({ component }) => component === name);

describe('policy no_restart', () => {
  it('leaves a crashed component down, refuses a person, and does it when forced', async () => {
    await killed('never');
    expect((await site.untilState('never', 'stopped')).why).toContain('policy no_restart');

    const refused = await site.api('POST', 'components/never/restart');
    expect(refused).toMatchObject({ status: 409, body: { code: 'ACTION_REFUSED' } });
    expect(JSON.stringify(refused.body)).toContain('only force starts it again');
    expect((await site.component('never')).state).toBe('stopped');

    expect(await site.api('POST', 'components/never/restart', { force: true })).toMatchObject({ status: 200 });
    expect((await site.component('never')).state).toBe('running');
    expect(await startsOf('never')).toHaveLength(2);
  });
});

describe('policy manual_only', () => {
  it('leaves a crashed component down until a person asks', async () => {
    const pid = await killed('by_hand');
    expect((await site.untilState('by_hand', 'stopped')).why).toContain('policy manual_only');
    expect(await site.api('POST', 'components/by_hand/restart')).toMatchObject({ status: 200 });
    expect((await site.component('by_hand')).pid).not.toBe(pid);
  });
});

describe('policy delayed', () => {
  it('starts again after the delay and not before', async () => {
    const pid = await killed('later');
    const down = await site.untilState('later', 'backoff');
    expect(down.next_start_at).not.toBeNull();
    await site.untilState('later', 'running', pid);
    const [, second] = await startsOf('later');
    // Timers run by another clock than dates: they may differ by a rounding.
    expect(Date.parse(second!.at)).toBeGreaterThanOrEqual(Date.parse(down.next_start_at!) - 2);
  });
});

describe('policy exponential_backoff', () => {
  it('waits longer each time, within its jitter, up to the longest delay', async () => {
    const decided = await until(
      'five decisions',
      async () => {
        const events = (await site.events('restart.decided')).filter(({ component }) => component === 'growing');
        return events.length >= 5 && events;
      },
      20_000,
    );
    const delays = decided.map(({ decision }) => (decision as { delay_ms: number }).delay_ms);
    for (const [index, expected] of [400, 800, 1_600, 2_000, 2_000].entries()) {
      expect(delays[index]).toBeGreaterThanOrEqual(expected * 0.9 - 1);
      expect(delays[index]).toBeLessThanOrEqual(expected * 1.1 + 1);
    }
  });

  it('shows when the next start is due, and why it waits', async () => {
    const view = await until('a wait', async () => {
      const now = await site.component('growing');
      return now.state === 'backoff' && now;
    });
    expect(Date.parse(view.next_start_at!)).toBeGreaterThan(Date.parse(view.since));
    expect(view.pid).toBeNull();
    expect(view.health).toBe('unhealthy');
  });
});

describe('a component that waits for its next start', () => {
  it('is started at once when a person asks', async () => {
    const pid = await killed('waiting');
    const down = await site.untilState('waiting', 'backoff');
    expect(Date.parse(down.next_start_at!) - Date.now()).toBeGreaterThan(3_000_000);
    expect(await site.api('POST', 'components/waiting/start')).toMatchObject({ status: 200 });
    const up = await site.component('waiting');
    expect(up).toMatchObject({ state: 'running', next_start_at: null });
    expect(up.pid).not.toBe(pid);
  });

  it('stays down when a person stops it', async () => {
    await killed('waiting');
    await site.untilState('waiting', 'backoff');
    expect(await site.api('POST', 'components/waiting/stop')).toMatchObject({ status: 200 });
    expect(await site.component('waiting')).toMatchObject({ state: 'stopped', held: true, next_start_at: null });
  });
});

describe('an exit code', () => {
  it('that means "done" leaves the component stopped', async () => {
    const view = await site.untilState('done', 'stopped');
    expect(view.why).toContain('exit code 0 means: done');
    expect(await startsOf('done')).toHaveLength(1);
  });

  it('that means "fail" is not tried again', async () => {
    const view = await site.untilState('broken', 'failed');
    expect(view.why).toContain('exit code 78 means: fail');
    expect(await startsOf('broken')).toHaveLength(1);
  });
});

describe('a failed component with on_failed: exit', () => {
  it('ends the daemon with code 1, after the others were stopped', async () => {
    const doomed = new Site({
      components: {
        helper: sleeper(),
        main: script("process.on('SIGUSR2', () => process.exit(78)); console.log('up'); setInterval(() => {}, 1e6)", {
          restart: { on_failed: 'exit', exit_codes: { 78: 'fail' } },
        }),
      },
    });
    await doomed.start();
    const helper = await doomed.untilState('helper', 'running');
    const main = await doomed.untilState('main', 'running');
    // It counts as running before it hears signals.
    await until('its handler', () => doomed.read('.paramedic/logs/main/stdout.log')?.includes('up'));
    const ended = doomed.ended();
    process.kill(main.pid!, 'SIGUSR2');
    expect(await ended).toBe(1);
    expect(isAlive(helper.pid!)).toBe(false);
  });
});

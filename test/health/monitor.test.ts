import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  createMonitor,
  defineCheck,
  healthy,
  unknown,
  type CheckPlan,
  type CheckResult,
  type Watched,
} from '../../src/health/index.ts';
import { checks } from '../../src/health/index.ts';
import { componentName, epochMs, type EventOf, type EventType, type RecoveryEvent } from '../../src/model/index.ts';
import { registry } from '../../src/registry.ts';
import { FakeClock } from '../support/fake-clock.ts';

const gmail = componentName('gmail');
const alone: Watched['subject'] = {
  engine: () => null,
  process: () => null,
  usage: () => null,
  heartbeat: () => null,
  startedAt: () => null,
};
const result = (status: CheckResult['status']): CheckResult => ({ status, message: status, severity: 5 });
type Answer = CheckResult | Error | Promise<CheckResult>;

/** A monitor whose one kind of check, `told`, answers what the test says. */
function story(answer: (signal: AbortSignal, run: number) => Answer, overrides: Partial<CheckPlan> = {}, periodMs = 0) {
  const clock = new FakeClock();
  const events: RecoveryEvent[] = [];
  const runs: number[] = [];
  const told = defineCheck({
    kind: 'told',
    summary: 'Answers what the test says.',
    options: z.strictObject({}),
    run(_, { signal }) {
      runs.push(clock.monotonic());
      const found = answer(signal, runs.length);
      if (found instanceof Error) throw found;
      return found;
    },
  });
  const monitor = createMonitor({
    clock,
    emit: (...stated) => events.push(...stated),
    random: () => 0.5,
    intervals: { critical: 5_000, standard: 30_000, extended: 300_000 },
    kinds: registry(told, ...['heartbeat', 'success_rate'].map((kind) => checks.get(kind)!)),
  });
  const plan: CheckPlan = {
    kind: 'told',
    options: {},
    interval: 'critical',
    timeout: 2_000,
    failure_threshold: 3,
    success_threshold: 1,
    enabled: true,
    severity: null,
    action: 'restart',
    ...overrides,
  };
  const watch = (plans: Record<string, CheckPlan> = { api: plan }) =>
    monitor.watch({ component: gmail, checks: plans, subject: alone, cwd: '/', periodMs });
  watch();
  const only = <T extends EventType>(type: T) =>
    events.filter((event) => event.type === type) as unknown as EventOf<T>[];
  return { clock, monitor, events, runs, plan, watch, only };
}

describe('health monitor', () => {
  it('runs a check soon after the resume and then on a grid that never drifts, a little early with others', async () => {
    const { clock, monitor, runs } = story(() => healthy('fine'));
    await clock.advance(10_000);
    expect(runs).toEqual([]);
    monitor.resume(gmail);
    await clock.advance(20_000);
    expect(runs.map((at) => at - 10_000)).toEqual([500, 1_500, 6_500, 11_500, 16_500]);
  });

  it('spreads a thousand checks over their interval with one timer', async () => {
    const { clock, monitor, runs, plan, watch } = story(() => healthy('fine'));
    watch(Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`c${n}`, plan])));
    monitor.resume(gmail);
    expect(clock.pending).toBe(1);
    await clock.advance(7_500);
    expect(runs).toHaveLength(3_000);
  });

  it('never runs a check twice at a time', async () => {
    let open = 0;
    let most = 0;
    const { clock, monitor, runs } = story(
      async () => {
        most = Math.max(most, ++open);
        await clock.sleep(7_000);
        open--;
        return healthy('slow');
      },
      { timeout: 20_000 },
    );
    monitor.resume(gmail);
    await clock.advance(60_000);
    expect({ most, enough: runs.length > 4 }).toEqual({ most: 1, enough: true });
  });

  it('tells how late a run began when something has kept it from its turn', async () => {
    const { clock, monitor, only } = story((_, run) => {
      // The third run keeps everything from its turn, for 1.2 s the next one of its own too.
      if (run === 3) clock.skip(7_200);
      return healthy('fine');
    });
    monitor.resume(gmail);
    await clock.advance(25_000);
    const late = only('check.completed').map(({ lateMs }) => lateMs);
    expect(late.slice(0, 5)).toEqual([0, 0, 0, 1_200, 0]);
  });

  it('does not let a start wait for what tells nothing before there was work, and counts that work', async () => {
    const { clock, monitor, plan, watch } = story((_, run) => (run % 2 === 0 ? result('unhealthy') : healthy('fine')));
    const rate = (source: string) => ({
      ...plan,
      kind: 'success_rate',
      options: checks.get('success_rate')?.options.parse({ source, minimum: 4 }),
    });
    watch({ api: plan, calls: rate('calls'), results: rate('checks') });
    monitor.resume(gmail);
    const verified = monitor.verify(gmail, new AbortController().signal);
    await clock.advance(1_000);
    expect(await verified).toEqual({ verified: true, checks: ['api'] });
    monitor.outcomes(
      gmail,
      [true, true, true, false].map((ok) => ({ dependency: 'gpt', ok })),
    );
    await clock.advance(60_000);
    const found = Object.fromEntries(monitor.checks(gmail).map(({ check, message }) => [check, message]));
    expect(found['calls']).toBe('3 of 4 calls went well in the last 5m');
    expect(found['results']).toMatch(/^\d+ of \d+ checks went well/);
    monitor.resume(gmail);
    await clock.advance(10_000);
    expect(monitor.checks(gmail).find(({ check }) => check === 'calls')?.outcome).toBe('unknown');
  });

  it('keeps what the last run has measured, until one measures nothing', async () => {
    const latency = { target: 'x:1', ms: 5 };
    const { clock, monitor } = story((_, run) => (run === 1 ? { ...healthy('fine'), latency } : healthy('fine')));
    monitor.resume(gmail);
    await clock.advance(1_000);
    expect(monitor.checks(gmail)[0]?.latency).toEqual(latency);
    await clock.advance(5_000);
    expect(monitor.checks(gmail)[0]?.latency).toBeUndefined();
  });

  it('does not ask again and again for a heartbeat that a start waits for', async () => {
    const { clock, monitor, plan, watch, only } = story(() => healthy('fine'));
    watch({ alive: { ...plan, kind: 'heartbeat', options: { timeout: 60_000 } } });
    monitor.resume(gmail);
    const verified = monitor.verify(gmail, new AbortController().signal);
    await clock.advance(4_000);
    expect(only('check.completed').length).toBeLessThanOrEqual(3);
    monitor.heartbeat(gmail, { at: clock.now(), status: 'healthy', message: '', progress: null });
    expect(await verified).toEqual({ verified: true, checks: ['alive'] });
  });

  it('acts once per streak, and again after a new life', async () => {
    const { clock, monitor, only } = story(() => result('unhealthy'));
    monitor.resume(gmail);
    await clock.advance(60_000);
    expect(only('check.tripped')).toMatchObject([{ check: 'api', consecutiveFailures: 3, action: 'restart' }]);
    monitor.resume(gmail);
    expect(monitor.checks(gmail)).toMatchObject([{ outcome: 'unknown', consecutiveFailures: 0 }]);
    await clock.advance(60_000);
    expect(only('check.tripped')).toHaveLength(2);
  });

  it('tells the action of the plan and the severity that was configured', async () => {
    const { clock, monitor, only } = story(() => result('critical'), { action: 'none', severity: 3 });
    monitor.resume(gmail);
    await clock.advance(600);
    expect(only('check.tripped')).toMatchObject([{ outcome: 'critical', action: 'none' }]);
    expect(only('check.completed')).toMatchObject([{ severity: 3 }]);
  });

  it('takes a check that throws as unhealthy of severity 8, a rejection too', async () => {
    for (const broken of [
      () => new Error('no such socket'),
      () => Promise.reject<CheckResult>(new Error('no such socket')),
    ]) {
      const { clock, monitor, only } = story(broken);
      monitor.resume(gmail);
      await clock.advance(600);
      expect(only('check.completed')).toMatchObject([
        { outcome: 'unhealthy', severity: 8, message: 'the check failed: no such socket' },
      ]);
    }
  });

  it('takes an answer of nothing as unknown', async () => {
    const { clock, monitor, only } = story(() => undefined as unknown as CheckResult);
    monitor.resume(gmail);
    await clock.advance(600);
    expect(only('check.completed')).toMatchObject([{ outcome: 'unknown', message: 'the check answered nothing' }]);
  });

  it('aborts a run at its timeout and tells the timeout at once', async () => {
    let aborted = false;
    const { clock, monitor, only } = story(
      (signal) => {
        signal.addEventListener('abort', () => (aborted = true));
        return new Promise(() => undefined);
      },
      { timeout: 800 },
    );
    monitor.resume(gmail);
    await clock.advance(1_300);
    expect(aborted).toBe(true);
    expect(only('check.completed')).toMatchObject([{ outcome: 'timeout', durationMs: 800 }]);
  });

  it('has a run that asks for its signal only after its timeout find it aborted', async () => {
    const clock = new FakeClock();
    const asked = Promise.withResolvers<AbortSignal>();
    const slow = defineCheck({
      kind: 'slow',
      summary: 'Asks late.',
      options: z.strictObject({}),
      async run(_, context) {
        await clock.sleep(900);
        asked.resolve(context.signal);
        return healthy('too late');
      },
    });
    const intervals = { critical: 5_000, standard: 30_000, extended: 300_000 };
    const monitor = createMonitor({ clock, emit: () => {}, random: () => 0.5, intervals, kinds: registry(slow) });
    const { plan } = story(() => healthy('fine'), { timeout: 800 });
    const checks = { api: { ...plan, kind: 'slow' } };
    monitor.watch({ component: gmail, checks, subject: alone, cwd: '/', periodMs: 0 });
    monitor.resume(gmail);
    await clock.advance(2_000);
    expect((await asked.promise).reason).toMatchObject({ message: "the check's timeout of 800ms is over" });
    monitor.stop();
  });

  it('goes on telling the timeout of a run that never comes back, and so acts on it', async () => {
    const { clock, monitor, runs, only } = story(() => new Promise(() => undefined));
    monitor.resume(gmail);
    await clock.advance(20_000);
    expect(runs).toHaveLength(1);
    expect(only('check.tripped')).toMatchObject([{ outcome: 'timeout', consecutiveFailures: 3 }]);
  });

  it('does not count a run that a pause has aborted', async () => {
    const { clock, monitor, events } = story(
      (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted')))),
    );
    monitor.resume(gmail);
    await clock.advance(600);
    monitor.pause(gmail);
    await clock.advance(60_000);
    expect(events).toEqual([]);
    expect(clock.pending).toBeLessThanOrEqual(1);
  });

  it('records failures within the start period without counting them', async () => {
    const { clock, monitor, only } = story(() => result('critical'), {}, 10_000);
    monitor.resume(gmail);
    await clock.advance(9_000);
    expect(only('check.completed')).toHaveLength(3);
    expect(only('check.tripped')).toEqual([]);
    expect(monitor.statusOf(gmail)).toBe('critical');
    await clock.advance(5_000);
    expect(only('check.tripped')).toHaveLength(1);
  });

  it('tells a change of health when the worst of the latest results changes', async () => {
    const { clock, monitor, plan, watch, only } = story((_, run) => (run === 4 ? result('degraded') : healthy('fine')));
    watch({ api: plan, other: { ...plan } });
    monitor.resume(gmail);
    expect(monitor.statusOf(gmail)).toBe('unknown');
    await clock.advance(20_000);
    expect(only('component.health_changed').map(({ from, to }) => `${from} → ${to}`)).toEqual([
      'unknown → healthy',
      'healthy → degraded',
      'degraded → healthy',
    ]);
    expect(only('component.health_changed')[1]).toMatchObject({ why: 'other: degraded' });
  });

  it('is healthy without checks and knows nothing of disabled ones', async () => {
    const { clock, monitor, runs, plan, watch } = story(() => healthy('fine'));
    watch({ api: { ...plan, enabled: false } });
    monitor.resume(gmail);
    await clock.advance(60_000);
    expect({ runs, status: monitor.statusOf(gmail), checks: monitor.checks() }).toEqual({
      runs: [],
      status: 'healthy',
      checks: [],
    });
    expect(monitor.statusOf(componentName('nobody'))).toBe('unknown');
  });

  it('keeps the results of unchanged checks when the watch is replaced', async () => {
    const { clock, monitor, plan, watch, only } = story(() => result('unhealthy'));
    monitor.resume(gmail);
    await clock.advance(3_000);
    watch({ api: { ...plan }, other: plan });
    expect(monitor.checks().map(({ consecutiveFailures }) => consecutiveFailures)).toEqual([2, 0]);
    await clock.advance(600);
    expect(only('check.tripped')).toMatchObject([{ check: 'api' }]);
  });

  it('follows new intervals', async () => {
    const { clock, monitor, runs } = story(() => healthy('fine'), { interval: 'extended' });
    monitor.resume(gmail);
    await clock.advance(1_000);
    monitor.configure({ critical: 5_000, standard: 30_000, extended: 1_000 });
    await clock.advance(10_000);
    expect(runs.length).toBeGreaterThan(9);
  });

  it('keeps its turn when the intervals are told anew just before it', async () => {
    const { clock, monitor, runs } = story(() => healthy('fine'), { interval: 2_000 });
    monitor.resume(gmail);
    await clock.advance(2_700);
    expect(runs).toEqual([500, 1_000]);
    monitor.configure({ critical: 5_000, standard: 30_000, extended: 1_000 });
    await clock.advance(400);
    expect(runs).toEqual([500, 1_000, 3_000]);
  });

  it('leaves nothing behind when it stops', async () => {
    let aborted = false;
    const { clock, monitor, events } = story((signal) => {
      signal.addEventListener('abort', () => (aborted = true));
      return new Promise(() => undefined);
    });
    monitor.resume(gmail);
    await clock.advance(600);
    monitor.stop();
    await clock.advance(600_000);
    expect({ aborted, events, pending: clock.pending }).toEqual({ aborted: true, events: [], pending: 0 });
  });
});

describe('verification of a start', () => {
  const never = new AbortController().signal;

  it('polls at growing distances until each check has passed once', async () => {
    let up = false;
    const { clock, monitor, runs, plan, watch } = story(() => (up ? healthy('fine') : result('unhealthy')));
    watch({ api: plan, off: { ...plan, enabled: false } });
    monitor.resume(gmail);
    const verified = monitor.verify(gmail, never);
    await clock.advance(2_000);
    expect(runs.slice(0, 5)).toEqual([0, 50, 125, 238, 407]);
    expect(runs.at(-1)! - runs.at(-2)!).toBe(500);
    up = true;
    await clock.advance(500);
    expect(await verified).toEqual({ verified: true, checks: ['api'] });
    const polled = runs.length;
    await clock.advance(5_000);
    expect(runs.length).toBe(polled + 1);
  });

  it('is quiet about failures while it lasts and tells the status it ends with', async () => {
    const { clock, monitor, only } = story((_, run) => (run < 20 ? result('critical') : result('degraded')));
    monitor.resume(gmail);
    const verified = monitor.verify(gmail, never);
    await clock.advance(30_000);
    expect(await verified).toMatchObject({ verified: true });
    expect(only('check.tripped')).toEqual([]);
    expect(only('component.health_changed')).toMatchObject([{ from: 'unknown', to: 'degraded' }]);
  });

  it('names what it still waits for when it is aborted, and goes back to the schedule', async () => {
    const { clock, monitor, plan, watch, runs } = story((_, run) =>
      run === 1 ? healthy('fine') : result('unhealthy'),
    );
    watch({ api: plan, other: { ...plan } });
    monitor.resume(gmail);
    const abort = new AbortController();
    const verified = monitor.verify(gmail, abort.signal);
    await clock.advance(1_000);
    abort.abort(new Error('too late'));
    expect(await verified).toEqual({ verified: false, waitingFor: ['other'] });
    const before = runs.length;
    await clock.advance(5_000);
    expect(runs.length - before).toBe(2);
  });

  it('ends unverified when the component is paused', async () => {
    const { clock, monitor } = story(() => unknown('nothing known'));
    monitor.resume(gmail);
    const verified = monitor.verify(gmail, never);
    await clock.advance(200);
    monitor.pause(gmail);
    expect(await verified).toEqual({ verified: false, waitingFor: ['api'] });
  });

  it('takes 100 ms of life as enough without checks', async () => {
    const { clock, monitor, watch } = story(() => healthy('fine'));
    watch({});
    monitor.resume(gmail);
    let settled = false;
    const verified = monitor.verify(gmail, never).then((verification) => ((settled = true), verification));
    await clock.advance(99);
    expect(settled).toBe(false);
    await clock.advance(1);
    expect(await verified).toEqual({ verified: true, checks: [] });
    expect(await monitor.verify(gmail, AbortSignal.abort(new Error('gone')))).toEqual({
      verified: false,
      waitingFor: [],
    });
  });

  it('counts a heartbeat on arrival', async () => {
    const { clock, monitor, plan, watch } = story(() => healthy('fine'));
    watch({ alive: { ...plan, kind: 'heartbeat', options: { timeout: 30_000 } } });
    monitor.resume(gmail);
    let settled = false;
    const verified = monitor.verify(gmail, never).finally(() => (settled = true));
    await clock.advance(1_401);
    expect(settled).toBe(false);
    monitor.heartbeat(gmail, { at: clock.now(), status: 'healthy', message: '', progress: null });
    expect(await verified).toEqual({ verified: true, checks: ['alive'] });
  });
});

describe('heartbeats', () => {
  it('are assessed at once when they tell something new, forgotten in a new life', async () => {
    const { clock, monitor, plan, watch, only } = story(() => healthy('fine'));
    watch({ alive: { ...plan, kind: 'heartbeat', options: { timeout: 30_000 } } });
    monitor.resume(gmail);
    const beat = (status: 'healthy' | 'critical') =>
      monitor.heartbeat(gmail, { at: epochMs(clock.now()), status, message: `I am ${status}`, progress: 7 });
    beat('healthy');
    beat('healthy');
    expect(only('check.completed')).toHaveLength(1);
    beat('critical');
    expect(only('check.tripped')).toMatchObject([{ check: 'alive', outcome: 'critical', message: 'I am critical' }]);
    expect(monitor.lastHeartbeat(gmail)).toMatchObject({ progress: 7 });
    monitor.resume(gmail);
    expect(monitor.lastHeartbeat(gmail)).toBeNull();
    await clock.advance(0);
  });
});

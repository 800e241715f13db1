import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventLoop } from '../../../src/health/checks/event-loop.ts';
import { scheduler } from '../../../src/health/checks/scheduler.ts';
import { successRate } from '../../../src/health/checks/success-rate.ts';
import type { Heartbeat } from '../../../src/health/index.ts';
import { createOutcomeLog } from '../../../src/health/outcome-log.ts';
import { epochMs } from '../../../src/model/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { tempFolder, until } from '../../support/temp.ts';
import { context } from '../context.ts';
import { answer, expectAbsentAndSlow, runCheck, serve, site } from '../serve.ts';

const says = (status: string, words: string) => ({ status, message: expect.stringContaining(words) });
const beat = (metrics: Record<string, number>, ageMs = 0): Heartbeat => ({
  at: epochMs(Date.now() - ageMs),
  status: 'healthy',
  message: '',
  progress: null,
  metrics,
});

describe('scheduler check', () => {
  const by = (metrics: Record<string, number> | null, options: object = {}, ageMs = 0, memory = new Map()) =>
    scheduler.run(
      scheduler.options.parse(options),
      context({ memory }, { heartbeat: () => (metrics ? beat(metrics, ageMs) : null) }),
    );
  const now = () => Date.now() / 1_000;

  it.each<[Record<string, number> | null, object, string, string]>([
    [{ queue_length: 3, missed_runs: 0 }, {}, 'healthy', '3 wait, 0 missed'],
    [{ queue_length: 101 }, {}, 'degraded', '101 wait'],
    [{ queue_length: 0, missed_runs: 1 }, {}, 'unhealthy', '1 missed'],
    [{ queue_length: 0, missed_runs: 1 }, { max_missed: 1 }, 'healthy', '1 missed'],
    [{ last_run: now() - 600 }, { max_idle: '1h' }, 'healthy', 'last run 10m'],
    [{ last_run: now() - 7_200 }, { max_idle: '1h' }, 'unhealthy', 'last run 2h'],
    [{ queue_length: 0 }, { max_idle: '1h' }, 'unknown', 'does not tell "last_run"'],
    [{ waiting: 500 }, { queue: 'waiting' }, 'degraded', '500 wait'],
    [{ other: 1 }, {}, 'unknown', 'tells neither'],
    [{}, {}, 'unknown', 'tells neither'],
    [null, {}, 'unknown', 'no heartbeat yet'],
  ])('a heartbeat with %j within %j: %s', async (metrics, options, status, words) => {
    expect(await by(metrics, options)).toMatchObject(says(status, words));
  });

  it('does not believe what is old', async () => {
    expect(await by({ queue_length: 0 }, {}, 600_000)).toMatchObject(says('unhealthy', 'the last heartbeat'));
    const cwd = tempFolder();
    writeFileSync(join(cwd, 'cron.json'), '{"queue_length": 0}');
    const look = () => runCheck(scheduler, { file: 'cron.json' }, { cwd });
    expect(await look()).toMatchObject(says('healthy', '0 wait'));
    utimesSync(join(cwd, 'cron.json'), new Date(0), new Date(0));
    expect(await look()).toMatchObject(says('unhealthy', 'longer than 5m'));
  });

  it('judges a number that only grows by what has come since', async () => {
    const memory = new Map();
    const look = async (missed_runs: number) => (await by({ missed_runs }, { missed_grows: true }, 0, memory)).status;
    expect([await look(7), await look(7), await look(8), await look(8), await look(1)]).toEqual([
      'healthy',
      'healthy',
      'unhealthy',
      'healthy',
      'unhealthy',
    ]);
  });

  it('reads files and pages, with names inside', async () => {
    const cwd = tempFolder();
    const file = async (text: string) => {
      writeFileSync(join(cwd, 'cron.json'), text);
      return runCheck(scheduler, { file: 'cron.json', queue: 'jobs.waiting' }, { cwd });
    };
    expect(await file('{"jobs": {"waiting": 2}, "last_run": "2026-01-01T00:00:00Z"}')).toMatchObject(
      says('healthy', '2 wait'),
    );
    expect(await file('')).toMatchObject(says('unknown', 'empty'));
    expect(await file('{"jobs":')).toMatchObject(says('unhealthy', 'no JSON'));
    expect(await runCheck(scheduler, { file: 'absent.json' }, { cwd })).toMatchObject({ status: 'unhealthy' });
    const url = await serve(site({ '/ok': { queue_length: 1 }, '/empty': {}, '/broken': answer(500) }));
    expect(await runCheck(scheduler, { url: `${url}/ok` })).toMatchObject(says('healthy', '1 wait'));
    expect(await runCheck(scheduler, { url: `${url}/empty` })).toMatchObject(says('unknown', 'tells neither'));
    expect(await runCheck(scheduler, { url: `${url}/broken` })).toMatchObject(says('unhealthy', '500'));
    expect(scheduler.options.safeParse({ url, file: 'x' }).success).toBe(false);
  });

  it('is unhealthy when nobody answers, or not in time', () => expectAbsentAndSlow(scheduler, (url) => ({ url })));
});

describe('success_rate check', () => {
  const judged = (ok: number, failed: number, options: object = {}) =>
    successRate.run(successRate.options.parse(options), context({}, { successes: () => ({ ok, failed }) }));
  it.each([
    [100, 0, {}, 'healthy', '100 of 100 calls went well in the last 5m'],
    [95, 5, {}, 'healthy', '95 of 100'],
    [94, 6, {}, 'degraded', '94 of 100'],
    [79, 21, {}, 'unhealthy', '79 of 100'],
    [0, 0, {}, 'unknown', 'too few'],
    [9, 0, {}, 'unknown', 'too few'],
    [9, 0, { minimum: 9, source: 'checks', of: 'api' }, 'healthy', '9 of 9 checks of api'],
  ])('%i well and %i not, within %j: %s', async (ok, failed, options, status, words) => {
    expect(await judged(ok, failed, options)).toMatchObject(says(status, words));
  });

  it('looks back an hour at most', () => {
    expect(successRate.options.safeParse({ window: '1h' }).success).toBe(true);
    expect(successRate.options.safeParse({ window: '2h' }).success).toBe(false);
  });

  it('counts what was told within its window, by name', async () => {
    const clock = new FakeClock();
    const log = createOutcomeLog(clock, true);
    for (const ok of [true, true, false]) log.add('calls', 'gpt', ok);
    log.add('calls', 'mail', false);
    log.add('checks', 'gpt', false);
    await clock.advance(30_000);
    log.add('calls', 'gpt', true);
    expect(log.count('calls', 'gpt', 60_000)).toEqual({ ok: 3, failed: 1 });
    expect(log.count('calls', undefined, 60_000)).toEqual({ ok: 3, failed: 2 });
    expect(log.count('calls', 'gpt', 10_000)).toEqual({ ok: 1, failed: 0 });
    await clock.advance(60_000);
    expect(log.count('calls', undefined, 60_000)).toEqual({ ok: 0, failed: 0 });
  });

  it('remembers a bounded number of them, and nothing when nobody asks', async () => {
    const clock = new FakeClock();
    const log = createOutcomeLog(clock, true);
    for (let n = 0; n < 50_000; n++) log.add('calls', `d${n}`, true);
    expect(log.entries.length).toBeLessThanOrEqual(20_000);
    expect(log.count('calls', 'd49999', 60_000)).toEqual({ ok: 1, failed: 0 });
    const deaf = createOutcomeLog(clock, false);
    deaf.add('calls', 'gpt', true);
    expect(deaf.entries).toEqual([]);
  });
});

describe('event_loop check', () => {
  const options = eventLoop.options.parse({});
  const reported = (metrics: Record<string, number>, ageMs = 0) =>
    eventLoop.run(options, context({}, { heartbeat: () => beat(metrics, ageMs) }));
  it.each([
    [{ event_loop_lag_seconds: 0.02 }, 0, 'healthy', '20ms'],
    [{ event_loop_lag_seconds: 0.3 }, 0, 'degraded', '300ms'],
    [{ event_loop_lag_seconds: 3 }, 0, 'critical', '3s'],
    [{ event_loop_lag_seconds: -1 }, 0, 'unknown', 'no heartbeat of late'],
    [{ event_loop_lag_seconds: 0 }, 120_000, 'unknown', 'no heartbeat of late'],
    [{}, 0, 'unknown', 'no heartbeat of late'],
  ])('of a component that reports %j, %i ms ago: %s', async (metrics, ageMs, status, words) => {
    expect(await reported(metrics, ageMs)).toMatchObject(says(status, words));
  });

  it("of the host is the daemon's own, measured from its first run on", async () => {
    const host = context({}, { isHost: true });
    const run = () => eventLoop.run(eventLoop.options.parse({ warning: '200ms', critical: '1h' }), host);
    expect(await run()).toMatchObject(says('unknown', 'measured from now on'));
    // The histogram needs to have begun.
    await until('a first measure', async () => (await run()).status !== 'unknown');
    await until('a block is seen', async () => {
      await new Promise((resolve) => setTimeout(resolve, 150));
      const end = performance.now() + 400;
      while (performance.now() < end);
      await new Promise((resolve) => setTimeout(resolve, 60));
      return (await run()).status === 'degraded';
    });
  });
});

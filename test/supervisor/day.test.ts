import { queryObjects } from 'node:v8';
import { describe, expect, it } from 'vitest';
import type { RecoveryEvent } from '../../src/model/index.ts';
import type { Fate } from '../support/fake-driver.ts';
import { configure, fakeHouse, wished } from './fake-house.ts';

/*
 * A day in seconds: the supervisor's own parts live through 24 hours of crashes, failed checks, starts that the system
 * refuses, waiting, giving up, alerts, reloads and people, on a clock of ours. Each hour is like the one before, so
 * whatever is larger at the end of the day than in its morning leaks.
 */

const MINUTE_MS = 60_000;
const HOURS = 24;

const component = (more: object) => ({
  command: ['run'],
  start: { timeout: '10s', period: '5s' },
  stop: { timeout: '4s' },
  ...more,
  restart: {
    policy: 'immediate',
    max_restarts: 20,
    restart_window: '2m',
    slow_loop_after: 0,
    jitter: 0,
    ...(more as { restart?: object }).restart,
  },
});
const components = {
  store: component({ priority: 'critical' }),
  mail: component({
    priority: 'high',
    depends_on: ['store'],
    restart: { policy: 'exponential_backoff', initial_delay: '2s', max_delay: '1m' },
  }),
  agent: component({ depends_on: ['store'] }),
  /** Waits for its window, which opens at half past every hour. */
  batch: component({ priority: 'low' }),
  /** Has failed for good each hour, until a person starts it. */
  fragile: component({ restart: { max_restarts: 1 } }),
};
const config = (guest: boolean) =>
  configure(
    {
      restart: { max_restarts_per_hour: 1_000_000, system_restart: false },
      incidents: { retention: '1h' },
      maintenance_windows: [{ cron: '30 * * * *', duration: '5m' }],
      components: { ...components, ...(guest ? { guest: component({}) } : {}) },
    },
    ['store', 'agent'],
  );

/** What may leak: what lives on the heap, waits for the clock, or lies in the database. */
interface Sizes {
  readonly objects: number;
  readonly promises: number;
  readonly timers: number;
  readonly events: number;
  readonly incidents: number;
  readonly records: number;
}

describe('a supervisor that has lived for a day', () => {
  it('is as large as it was in the morning, whatever has happened', async () => {
    wished.clear();
    const { clock, driver, db, house, actor, roster, reload, record, events, problems, close } = fakeHouse(
      config(false),
      () => 0.5,
    );
    const counts = new Map<RecoveryEvent['type'], number>();
    const reasons = new Set<string>();
    const failed: unknown[] = [];
    const ask = (answer: Promise<unknown>) => void answer.catch((error: unknown) => failed.push(error));
    const end = (name: string, exit: { code: number | null; signal: NodeJS.Signals | null }) =>
      driver.alive(name as never).forEach((process) => process.end(exit));
    const crash = (name: string) => end(name, { code: 1, signal: null });
    let fate: Fate = {};
    driver.fate = (name) => (String(name) === 'mail' ? fate : {});

    /** One thing a minute, the same in each hour. */
    const happens: Readonly<Record<number, () => void>> = {
      20: () => void (fate = { refused: true }),
      21: () => crash('mail'),
      24: () => void (fate = {}),
      25: () => wished.set('store', 'unhealthy'),
      27: () => wished.clear(),
      28: () => crash('batch'),
      32: () => crash('batch'),
      41: () => crash('fragile'),
      42: () => crash('fragile'),
      44: () => ask(actor.start('fragile', 'person')),
      46: () => ask(reload(config(true))),
      48: () => crash('guest'),
      50: () => ask(reload(config(false))),
      52: () => ask(actor.stop('agent', 'person')),
      53: () => ask(actor.start('agent', 'person')),
      54: () => ask(actor.restart('store', 'webhook', false)),
      56: () => ask(actor.restart('mail', 'person', false)),
    };

    async function hour(): Promise<void> {
      for (let minute = 0; minute < 60; minute++) {
        if (minute < 20) {
          if (minute % 2 === 0) crash(minute % 4 === 0 ? 'agent' : 'mail');
          else end('store', { code: null, signal: 'SIGKILL' });
        }
        happens[minute]?.();
        await clock.advance(MINUTE_MS);
      }
      for (const event of events) {
        counts.set(event.type, (counts.get(event.type) ?? 0) + 1);
        if (event.type === 'restart.decided') reasons.add(`${event.reason} by ${event.by}: ${event.decision.kind}`);
      }
      // What the test itself keeps is no leak of theirs.
      events.length = 0;
      driver.forgetDead();
      // What a weak reference was asked for is kept until the event loop turns, which a clock of ours never lets it do.
      await new Promise((resolve) => setImmediate(resolve));
    }

    function sizes(): Sizes {
      const rows = (table: string) => Number(db.prepare(`SELECT count(*) FROM ${table}`).pluck().get());
      house.store.sync();
      return {
        objects: queryObjects(Object, { format: 'count' }),
        promises: queryObjects(Promise, { format: 'count' }),
        timers: clock.pending,
        events: rows('event'),
        incidents: rows('incident'),
        records: rows('component'),
      };
    }

    const taken: Sizes[] = [];
    for (let hours = 1; hours <= HOURS; hours++) {
      await hour();
      if (hours === 3 || hours === 8 || hours === HOURS) taken.push(sizes());
      for (const { name } of roster) expect(record(name).state.is, `${name} at ${hours} o'clock`).toBe('running');
    }
    const [morning, noon, night] = taken as [Sizes, Sizes, Sizes];
    expect(problems).toEqual([]);
    expect(failed).toEqual([]);

    // It has been a day of work: all of this has happened each hour.
    const atLeast = { 'component.crashed': 20, 'component.failed': 1, 'component.start_failed': 2, 'check.tripped': 1 };
    for (const [type, hourly] of Object.entries({ ...atLeast, 'config.reloaded': 2, 'incident.opened': 15 }))
      expect(counts.get(type as RecoveryEvent['type']) ?? 0, type).toBeGreaterThanOrEqual(hourly * HOURS);
    expect([...reasons]).toEqual(
      expect.arrayContaining([
        'crash by supervisor: restart',
        'crash by supervisor: wait',
        'crash by supervisor: fail',
        'health by supervisor: restart',
        'alert by webhook: restart',
        'manual by person: restart',
        'dependency by supervisor: restart',
      ]),
    );
    expect(counts.get('incident.resolved')).toBe(counts.get('incident.opened'));
    expect(counts.get('recovery.finished')).toBe(counts.get('recovery.started'));

    expect(night.timers).toBe(morning.timers);
    expect(night.records).toBe(morning.records);
    for (const later of [noon, night]) {
      expect(later.events).toBeLessThanOrEqual(morning.events * 1.05);
      expect(later.incidents).toBeLessThanOrEqual(morning.incidents * 1.05);
      expect(later.promises - morning.promises).toBeLessThan(50);
      expect(later.objects - morning.objects).toBeLessThan(8_000);
    }
    close();
  });
});

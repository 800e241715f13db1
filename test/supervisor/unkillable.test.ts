import { describe, expect, it, onTestFinished } from 'vitest';
import type { ComponentName, EpochMs, RecoveryEvent } from '../../src/model/index.ts';
import { createSystemRestart } from '../../src/supervisor/system-restart.ts';
import { configure, fakeHouse, wished } from './fake-house.ts';

const app = 'app' as ComponentName;

/** `app` is unhealthy after a while, hears nothing, and not even the kill ends it. */
async function stuckHouse() {
  wished.clear();
  const components = {
    app: {
      command: ['app'],
      priority: 'critical',
      start: { timeout: '10s', period: '5s' },
      stop: { timeout: '2s' },
      restart: { policy: 'immediate', max_restarts: 5 },
    },
    other: { command: ['other'], start: { timeout: '10s', period: '5s' } },
  };
  const fake = fakeHouse(configure({ components }, ['app']), () => 0.5);
  onTestFinished(fake.close);
  fake.driver.fate = (name) => (name === app ? { leavesAfter: null, unkillable: true } : {});
  // Its first life was begun under another fate.
  for (const life of fake.driver.alive(app)) life.end({ code: 1, signal: null });
  await fake.clock.advance(20_000);
  expect(fake.record('app').state.is).toBe('running');
  wished.set('app', 'unhealthy');
  await fake.clock.advance(120_000);
  return fake;
}

/** What held it lets go: the kill takes its effect, and the next one is well. */
async function letGo({ driver, clock }: Awaited<ReturnType<typeof stuckHouse>>): Promise<void> {
  wished.clear();
  driver.fate = () => ({});
  for (const life of driver.alive(app)) life.end({ code: null, signal: 'SIGKILL' });
  await clock.advance(20_000);
}

/** A daemon finds a restart of the whole system that one before it has begun. */
function resume({ house, problems }: Awaited<ReturnType<typeof stuckHouse>>, at: EpochMs): void {
  const onError = (error: unknown) => void problems.push(error);
  const past: RecoveryEvent[] = [{ type: 'system.restarting', at, cause: app, why: 'a test wants it' }];
  createSystemRestart({ house, past, clean: false, look: () => {}, onError }).resume();
}

const of = ({ events }: Awaited<ReturnType<typeof stuckHouse>>, type: string) =>
  events.filter((event) => event.type === type && 'component' in event && event.component === app);

describe('a restart of what cannot be killed', () => {
  it('waits until it has gone, is told of once, and then comes', async () => {
    const fake = await stuckHouse();
    const starts = of(fake, 'component.starting').length;
    expect(fake.record('app').state).toMatchObject({ is: 'stopping', next: 'restart' });
    expect(of(fake, 'component.unkillable')).toHaveLength(1);
    expect(fake.house.incidents.of(app)).toMatchObject({ severity: 'critical' });
    expect(fake.record('other').state.is).toBe('running');

    await letGo(fake);
    expect(fake.record('app')).toMatchObject({ state: { is: 'running' }, recovery: null });
    expect(of(fake, 'component.starting')).toHaveLength(starts + 1);
    expect(fake.driver.mostTogether).toBe(1);
    expect(fake.house.incidents.of(app)).toBeUndefined();
    expect(fake.problems).toEqual([]);
  });

  it('is no reason for a stop of the house to wait', async () => {
    const fake = await stuckHouse();
    const stopped = fake.roster.stopAll('all of it');
    await fake.clock.advance(10_000);
    expect(await stopped).toEqual([expect.stringMatching(/^app: it cannot be killed: process \d+ is still there 5s/)]);
    expect(fake.record('other').state.is).toBe('stopped');
  });

  it('is no reason for a restart of the whole system to wait: it is started when it has gone', async () => {
    const fake = await stuckHouse();
    resume(fake, fake.clock.now());
    await fake.clock.advance(30_000);
    expect(fake.events.filter(({ type }) => type === 'system.restarted')).toMatchObject([{ outcome: 'done' }]);
    expect(fake.record('other').state.is).toBe('running');
    expect(fake.record('app').state.is).toBe('stopping');

    await letGo(fake);
    expect(fake.record('app').state.is).toBe('running');
    expect(fake.house.incidents.of(app)).toBeUndefined();
    expect(fake.driver.mostTogether).toBe(1);
    expect(fake.problems).toEqual([]);
  });

  it('does not hold up a restart of the whole system that is too old to be finished', async () => {
    const fake = await stuckHouse();
    resume(fake, 0 as EpochMs);
    await fake.clock.advance(10_000);
    expect(fake.events.filter(({ type }) => type === 'system.restarted')).toMatchObject([{ outcome: 'dropped' }]);
    await letGo(fake);
    expect(fake.record('app').state.is).toBe('running');
    expect(fake.problems).toEqual([]);
  });

  it('stays down when a person has asked for that before it had gone', async () => {
    const fake = await stuckHouse();
    resume(fake, fake.clock.now());
    await fake.clock.advance(30_000);
    await expect(fake.actor.stop('app', 'person')).rejects.toThrow('it cannot be killed');
    await letGo(fake);
    expect(fake.record('app').state.is).toBe('stopped');
  });
});

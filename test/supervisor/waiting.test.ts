import { expect, it, onTestFinished } from 'vitest';
import type { ComponentName } from '../../src/model/index.ts';
import { configure, fakeHouse, wished } from './fake-house.ts';

it('does not keep whoever restarts a component when what it depends on goes down meanwhile', async () => {
  wished.clear();
  const common = { start: { timeout: '10s', period: '5s' }, stop: { timeout: '5s' } };
  const components = { db: { command: ['db'], ...common }, app: { command: ['app'], depends_on: ['db'], ...common } };
  const fake = fakeHouse(configure({ components }, [], 'none'), () => 0.5);
  onTestFinished(fake.close);
  fake.driver.fate = (name) => (name === ('app' as ComponentName) ? { leavesAfter: 3_000 } : {});
  await fake.clock.advance(20_000);
  expect(fake.record('app').state.is).toBe('running');
  // It has begun under another fate.
  const restarted = fake.actor.restart('app', 'person', true);
  await fake.clock.advance(20_000);
  await restarted;

  const answers: string[] = [];
  void fake.actor.restart('app', 'person', true).then((answer) => answers.push(answer));
  await fake.clock.advance(1_000);
  expect(fake.record('app').state.is).toBe('stopping');
  const stopped = fake.actor.stop('db', 'person');
  await fake.clock.advance(20_000);
  await stopped;
  expect(answers).toEqual(['app will be started when db is up']);

  const started = fake.actor.start('db', 'person');
  await fake.clock.advance(20_000);
  await started;
  expect(fake.record('app').state.is).toBe('running');
});

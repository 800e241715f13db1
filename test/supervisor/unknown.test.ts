import { describe, expect, it, onTestFinished } from 'vitest';
import type { Running } from '../../src/drivers/index.ts';
import { componentName } from '../../src/model/index.ts';
import { configure, fakeHouse } from './fake-house.ts';

const db = componentName('db');

/** A container that is stopped, and what its engine says when it is asked once more. */
async function stoppedHouse() {
  const fake = fakeHouse(configure({ components: { db: { container: { name: 'db' } } } }, []), () => 0.5);
  onTestFinished(fake.close);
  await fake.clock.advance(1_000);
  const stopped = fake.actor.stop('db', 'person');
  await fake.clock.advance(1_000);
  await stopped;
  const answer = Promise.withResolvers<Running | null>();
  fake.driver.find = () => answer.promise;
  const from = fake.events.length;
  const told = () => fake.events.slice(from).map(({ type }) => type);
  return { ...fake, answer, told, somebodyElses: () => fake.driver.start({ component: db, command: [] }) };
}

describe('a stop of what no start of ours has begun', () => {
  it('tells nothing when nothing runs', async () => {
    const { actor, answer, told, record } = await stoppedHouse();
    answer.resolve(null);
    expect(await actor.stop('db', 'person')).toBe('db is stopped');
    expect(told()).toEqual([]);
    expect(record('db')).toMatchObject({ held: true, state: { is: 'stopped' } });
  });

  it("is asked for once after a start that failed: what runs later is somebody else's", async () => {
    const { actor, answer, clock, driver, told, record } = await stoppedHouse();
    driver.fate = () => ({ refused: true });
    const started = expect(actor.start('db', 'person')).rejects.toThrow('fate refuses it');
    await clock.advance(1_000);
    await started;
    expect(record('db').mayRun).toBe(true);

    const { find } = driver;
    driver.find = () => Promise.resolve('pending');
    await actor.stop('db', 'person');
    expect([told().includes('component.absent'), record('db').mayRun]).toEqual([false, true]);

    driver.find = find;
    answer.resolve(null);
    await Promise.all([actor.stop('db', 'person'), actor.stop('db', 'person')]);
    expect(told().filter((type) => type === 'component.absent')).toHaveLength(1);
    expect(record('db')).toMatchObject({ mayRun: false, state: { is: 'stopped' } });
  });

  it('takes over what runs, and ends it as it ends its own', async () => {
    const { actor, answer, clock, driver, told, somebodyElses } = await stoppedHouse();
    answer.resolve(await somebodyElses());
    const stopping = actor.stop('db', 'person');
    await clock.advance(1_000);
    await stopping;
    expect(driver.alive(db)).toEqual([]);
    expect(told().filter((type) => type.startsWith('component.'))).toEqual([
      'component.adopted',
      'component.stopping',
      'component.stopped',
    ]);
  });

  it('has a start wait until its engine has answered', async () => {
    const { actor, answer, clock, driver, told, somebodyElses } = await stoppedHouse();
    const stopping = actor.stop('db', 'person');
    const starting = actor.start('db', 'person');
    await clock.advance(10_000);
    expect(told()).not.toContain('component.starting');
    answer.resolve(await somebodyElses());
    await clock.advance(10_000);
    expect(await stopping).toBe('db is stopped');
    expect(await starting).toMatch(/^db is ready/);
    expect(driver.alive(db)).toHaveLength(1);
    expect(driver.mostTogether).toBe(1);
  });

  it('fails for all who ask meanwhile when its engine cannot be asked', async () => {
    const { actor, answer } = await stoppedHouse();
    const both = Promise.allSettled([actor.stop('db', 'person'), actor.stop('db', 'person')]);
    answer.reject(new Error('it may still run'));
    const failed = { status: 'rejected', reason: { message: 'stop of "db" failed: it may still run' } };
    expect(await both).toMatchObject([failed, failed]);
  });

  it('fails with the reason when its engine cannot be asked, and holds up no start', async () => {
    const { actor, answer, clock } = await stoppedHouse();
    answer.reject(new Error('it may still run: Docker does not answer'));
    await expect(actor.stop('db', 'person')).rejects.toMatchObject({
      code: 'ACTION_FAILED',
      message: 'stop of "db" failed: it may still run: Docker does not answer',
    });
    const starting = actor.start('db', 'person');
    await clock.advance(10_000);
    expect(await starting).toMatch(/^db is ready/);
  });
});

import { describe, expect, it, onTestFinished } from 'vitest';
import { failure } from '../../src/errors.ts';
import { componentName, type CheckpointId, type RecoveryEvent } from '../../src/model/index.ts';
import { createRecover } from '../../src/supervisor/recover.ts';
import { configure, fakeHouse, wished } from './fake-house.ts';

const component = (depends_on: string[] = []) => ({
  command: ['x'],
  depends_on,
  start: { timeout: '10s', period: '1s' },
  stop: { timeout: '2s' },
  restart: { policy: 'immediate', max_restarts: 5 },
});

/** `app` depends on `db`, `lone` on nobody; what a manifest names of them, and what is asked of the store. */
async function saved(names: readonly string[] = ['app', 'db', 'lone']) {
  wished.clear();
  const components = { app: component(['db']), db: component(), lone: component(), other: component() };
  const fake = fakeHouse(configure({ components }, ['app']), () => 0.5);
  onTestFinished(fake.close);
  await fake.clock.advance(10_000);
  const at = fake.clock.now();
  const given: unknown[] = [];
  let refusal: Error | undefined;
  const damaged = new Set<string>();
  const manifest = { why: null as string | null };
  const parts = names.map((name) => ({ component: componentName(name), checkpoint_id: `CP-${name}`, through: 7 }));
  const state = {
    async manifest(manifest_id: string) {
      if (manifest_id !== 'MAN-1') throw failure('CHECKPOINT_NOT_FOUND', { checkpoint: manifest_id });
      return { manifest_id, at, parts, ...manifest };
    },
    async read(checkpoint: string) {
      if (damaged.has(checkpoint)) throw failure('CHECKPOINT_CORRUPTED', { checkpoint, why: 'a bit flipped' });
      return {
        checkpoint_id: checkpoint as CheckpointId,
        component: checkpoint.slice(3),
        at,
        through: 7,
        journal_complete: true,
      };
    },
    storeHeld: () => Promise.resolve(),
    list: (name: string) => Promise.resolve([{ checkpoint_id: `CP-${name}`, valid: true, kind: 'full' }]),
    resume: {
      async from(wishes: readonly { component: string; checkpoint_id: string; journal: boolean }[], leaving: boolean) {
        const alive = ['app', 'db', 'lone'].flatMap((name) => fake.driver.alive(componentName(name)));
        if (!leaving) expect(alive).toEqual([]);
        if (refusal) throw refusal;
        given.push(
          ...wishes.map(({ component: name, checkpoint_id: checkpoint, journal }) => ({ name, checkpoint, journal })),
        );
      },
      begun: () => Promise.resolve(),
    },
  };
  const recover = createRecover({ ...fake.house, state: state as never });
  fake.house.bus.subscribe(recover.hear);
  await fake.clock.advance(5_000);
  const before = fake.events.length;
  const since = () => fake.events.slice(before);
  const run = async (more: object = {}) => {
    const wish = { checkpoint: 'MAN-1', mode: 'full', timeout: 10_000, ...more } as const;
    const done = recover
      .run(wish, 'person', {
        start: (name) => fake.actor.start(name, 'person'),
        restart: (name) => fake.actor.restart(name, 'person', true),
      })
      .catch((error: unknown) => error);
    await fake.clock.advance(60_000);
    return done;
  };
  return { ...fake, recover, run, since, given, damaged, manifest, refuse: (error: Error) => void (refusal = error) };
}

const lifeOf = (events: readonly RecoveryEvent[]) =>
  events.flatMap((event) =>
    event.type === 'component.stopped' || event.type === 'component.starting' || event.type === 'component.ready'
      ? [`${event.component} ${event.type.slice(10)}`]
      : [],
  );

const exactly = (journal: boolean) =>
  ['db', 'app', 'lone'].map((name) => ({ name, checkpoint: `CP-${name}`, journal }));

describe('a recovery to a manifest', () => {
  it('stops all, dependents first, before it starts the first, and gives each what it had then', async () => {
    const { run, since, given } = await saved();
    const done = await run();
    expect(done).toMatchObject({
      message:
        'recovered to MAN-1 db from CP-db (about 5s of changes lost); app from CP-app (about 5s of changes lost); lone from CP-lone (about 5s of changes lost)',
    });
    const lives = lifeOf(since());
    expect(lives.slice(0, 3).toSorted()).toEqual(['app stopped', 'db stopped', 'lone stopped']);
    expect(lives.indexOf('app stopped')).toBeLessThan(lives.indexOf('db stopped'));
    expect(lives.indexOf('db ready')).toBeLessThan(lives.indexOf('app starting'));
    expect(lives).toHaveLength(9);
    expect(given).toEqual(exactly(false));
    const told = since().filter(({ type }) => type === 'system.recovered');
    expect(told).toMatchObject([
      {
        manifest: 'MAN-1',
        outcome: 'success',
        points: ['db', 'app', 'lone'].map((name) => ({ component: name, how: 'restart', dataLossMs: 5_000 })),
      },
    ]);
  });

  it('gives the journal too when that is asked for', async () => {
    const { run, given } = await saved();
    expect(await run({ journal: true })).toMatchObject({ message: expect.not.stringContaining('lost') as string });
    expect(given).toEqual(exactly(true));
  });

  it('starts one that was held, as it does with one checkpoint', async () => {
    const { run, actor, clock, record, given } = await saved();
    const stopped = actor.stop('lone', 'person');
    await clock.advance(5_000);
    await stopped;
    await run();
    expect(record('lone')).toMatchObject({ held: false, state: { is: 'running' } });
    expect(given).toContainEqual({ name: 'lone', checkpoint: 'CP-lone', journal: false });
  });

  it('touches nothing when what it names is not there, damaged or no longer configured', async () => {
    const { run, since, damaged, manifest } = await saved();
    expect(await run({ checkpoint: 'MAN-2' })).toMatchObject({ code: 'CHECKPOINT_NOT_FOUND' });
    damaged.add('CP-lone');
    expect(await run()).toMatchObject({
      code: 'CHECKPOINT_CORRUPTED',
      message: expect.stringContaining('CP-lone') as string,
    });
    manifest.why = 'its checkpoint CP-db of "db" is gone';
    expect(await run()).toMatchObject({ message: expect.stringContaining('CP-db of "db" is gone') as string });
    expect(lifeOf(since())).toEqual([]);

    const gone = await saved(['app', 'removed']);
    const why = 'recover of "removed" failed: it is no longer configured, and MAN-1 names a checkpoint of it';
    expect(await gone.run()).toMatchObject({ code: 'ACTION_FAILED', message: why });
    expect(lifeOf(gone.since())).toEqual([]);
  });

  it('is given up when one cannot be stopped: all go on from what they had', async () => {
    const { run, since, driver, clock, given, record } = await saved();
    driver.fate = (name) => (name === 'db' ? { leavesAfter: null, unkillable: true } : {});
    for (const life of driver.alive('db' as never)) life.end({ code: 1, signal: null });
    await clock.advance(20_000);
    expect(await run()).toMatchObject({
      code: 'ACTION_FAILED',
      message: expect.stringContaining('nothing was brought back: "db" could not be stopped') as string,
    });
    expect(since().filter(({ type }) => type === 'system.recovered')).toMatchObject([
      { outcome: 'failure', points: [{ how: 'none' }, { how: 'none' }, { how: 'none' }] },
    ]);
    driver.fate = () => ({});
    for (const life of driver.alive('db' as never)) life.end({ code: null, signal: 'SIGKILL' });
    await clock.advance(20_000);
    for (const name of ['db', 'app', 'lone']) expect(record(name).state.is).toBe('running');
    expect(given).toEqual([]);
  });

  it('is given up when that cannot be written: all go on from what they had', async () => {
    const { run, given, record, refuse } = await saved();
    refuse(failure('STORE_FAILED', { store: 'state.db', why: 'disk full' }));
    expect(await run()).toMatchObject({
      code: 'ACTION_FAILED',
      message: expect.stringContaining('nothing was brought back: state.db could not be written: disk full') as string,
    });
    for (const name of ['db', 'app', 'lone']) expect(record(name).state.is).toBe('running');
    expect(given).toEqual([]);
  });

  it('goes on when one does not become ready, and its next start is from there too', async () => {
    const { run, driver, given, record } = await saved();
    let fails = 1;
    driver.fate = (name) => (name === 'lone' && fails-- > 0 ? { endsAfter: 10 } : {});
    expect(await run()).toMatchObject({ code: 'ACTION_FAILED', message: expect.stringContaining('"lone"') as string });
    for (const name of ['db', 'app', 'lone']) expect(record(name).state.is).toBe('running');
    expect(given).toEqual(exactly(false));
  });

  it('stops one again that somebody starts before all have gone', async () => {
    const { run, since, actor, house } = await saved();
    let start: Promise<unknown> | undefined;
    house.bus.subscribe(({ type, ...event }) => {
      if (type === 'component.stopped' && 'component' in event && event.component === 'lone')
        start ??= actor.start('lone', 'person').catch((error: unknown) => error);
    });
    expect(await run()).toMatchObject({ message: expect.stringContaining('recovered to MAN-1') as string });
    expect(await start).toMatchObject({ code: 'ACTION_FAILED' });
    const lives = lifeOf(since());
    expect(lives.filter((what) => what === 'lone stopped')).toHaveLength(2);
    expect(lives.lastIndexOf('lone stopped')).toBeLessThan(lives.lastIndexOf('db starting'));
  });

  it('is alone', async () => {
    const { run, since } = await saved();
    const [first, second, third] = await Promise.all([run(), run(), run({ checkpoint: 'CP-app' })]);
    expect(first).toMatchObject({ message: expect.stringContaining('recovered to MAN-1') as string });
    for (const refused of [second, third]) expect(refused).toMatchObject({ code: 'ACTION_REFUSED' });
    expect(lifeOf(since())).toHaveLength(9);

    const [one, together] = await Promise.all([run({ checkpoint: 'CP-lone' }), run()]);
    expect(one).toMatchObject({ message: 'recovered lone from CP-lone' });
    expect(together).toMatchObject({ code: 'ACTION_REFUSED' });
    expect(lifeOf(since())).toHaveLength(12);
  });
});

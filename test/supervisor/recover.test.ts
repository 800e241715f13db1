import { describe, expect, it } from 'vitest';
import { failure } from '../../src/errors.ts';
import { componentName, type CheckpointId } from '../../src/model/index.ts';
import type { House } from '../../src/supervisor/house.ts';
import type { RecoverWish } from '../../src/actions/index.ts';
import { createRecover } from '../../src/supervisor/recover.ts';
import { FakeClock } from '../support/fake-clock.ts';

const planner = componentName('planner');
const newest = 'CP-2' as CheckpointId;
const older = 'CP-1' as CheckpointId;

interface Setting {
  readonly life?: object | null;
  readonly hears?: boolean;
  readonly is?: string;
  readonly doubted?: readonly CheckpointId[];
  /** What becomes of reading one. */
  readonly unread?: Readonly<Record<string, Promise<never>>>;
  /** The store does not take where it is brought back to. */
  readonly isFull?: boolean;
  readonly setState?: (give: () => Promise<unknown>) => Promise<unknown>;
}

/** One component, and what is asked of the store and of it, in that order. */
function setUp({
  life = { ready: true },
  hears = false,
  is = 'running',
  doubted = [],
  unread = {},
  isFull = false,
  setState,
}: Setting = {}) {
  const clock = new FakeClock();
  const asked: unknown[] = [];
  const note = (...what: unknown[]) => Promise.resolve(void asked.push(what.join(' ')));
  const keeper = {
    name: planner,
    life,
    config: { enabled: true, state: { poisoned_after: 2 }, restart: { restart_window: 1 } },
    halt: () => note('halt'),
  };
  const house = {
    clock,
    doubts: { of: () => new Set(doubted) },
    commands: {
      hears: () => hears,
      setState: (_: string, __: string, give: () => Promise<unknown>) => setState?.(give),
    },
    roster: { get: () => keeper, [Symbol.iterator]: () => [keeper].values() },
    bus: { emit: () => {}, record: () => ({ state: { is }, held: false }) },
    state: {
      remembered: () => Promise.resolve([{ component: planner, hasSaved: false, journals: true }]),
      storeHeld: () => Promise.resolve(),
      list: () => Promise.resolve([newest, older].map((id) => ({ checkpoint_id: id, valid: true, kind: 'full' }))),
      read: (id: CheckpointId) =>
        unread[id] ?? Promise.resolve({ checkpoint_id: id, component: planner, at: 0, through: null }),
      getState: async () => {
        await note('getState');
        return { checkpoint_id: newest };
      },
      resume: {
        async from([{ checkpoint_id }]: [{ checkpoint_id: string }], leaving: boolean) {
          await note('from', String(checkpoint_id), leaving);
          if (isFull) throw failure('STORE_FAILED', { store: 'state.db', why: 'the disk is full' });
        },
        begun: () => note('begun'),
        awaited: () => note('awaited'),
        drop: () => note('drop'),
      },
    },
  };
  const recover = createRecover(house as unknown as House);
  const starting = () => recover.hear({ type: 'component.starting', component: planner } as never, 1);
  const run = (restart: () => unknown = starting, asked: Partial<RecoverWish> = { component: planner }) => {
    const wish = { mode: 'full', journal: true, timeout: 1_000, ...asked } as const;
    const hand = (what: string) => () => note(what).then(restart) as Promise<string>;
    return recover.run(wish, 'person', { start: hand('start'), restart: hand('restart') });
  };
  return { recover, asked, run, starting };
}

describe('a component that is brought back by a restart', () => {
  it('has its resume point stored first; what it saves counts when its next life begins', async () => {
    const { asked, run } = setUp();
    await run();
    expect(asked).toEqual([`from ${newest} true`, 'restart', 'begun']);
  });

  it('that is not running counts from the beginning', async () => {
    const { asked, run } = setUp({ life: null });
    await run();
    expect(asked[0]).toBe(`from ${newest} false`);
  });

  it('goes on as before when the restart is refused', async () => {
    const { asked, run } = setUp();
    const why = 'it is being stopped';
    const refuse = () => Promise.reject(failure('ACTION_REFUSED', { action: 'restart', component: planner, why }));
    await expect(run(refuse)).rejects.toThrow(why);
    expect(asked).toEqual([`from ${newest} true`, 'restart', 'drop']);
  });

  it.each([{ hears: true }, { hears: false }])('is left as it is when that cannot be stored: %j', async ({ hears }) => {
    const { asked, run } = setUp({ hears, isFull: true });
    await expect(run()).rejects.toThrow('the disk is full');
    // What a recovery before this one has asked for still holds.
    expect(asked).toEqual([`from ${newest} true`]);
  });

  it('is tried again from there when it has begun and does not become ready', async () => {
    const { asked, run, starting } = setUp();
    const late = async () => {
      starting();
      throw new Error('it was not ready within 5000 ms');
    };
    await expect(run(late)).rejects.toThrow('not ready');
    expect(asked).toEqual([`from ${newest} true`, 'restart', 'begun']);
  });

  it('goes back once after the other when that is asked for twice', async () => {
    const { asked, run } = setUp();
    await Promise.all([run(), run()]);
    const once = [`from ${newest} true`, 'restart', 'begun'];
    expect(asked).toEqual([...once, ...once]);
  });

  it('that is starting begins anew: it may have been given something else already', async () => {
    const unkillable = Promise.withResolvers<never>();
    const { asked, run } = setUp({ life: { ready: false, unkillable } });
    await run();
    expect(asked).toEqual([`from ${newest} true`, 'halt', 'start', 'begun']);
  });

  it('does not go to a checkpoint that is in doubt while there is another one', async () => {
    const [some, all] = [setUp({ doubted: [newest] }), setUp({ doubted: [newest, older] })];
    await some.run();
    await all.run();
    expect([some.asked[0], all.asked[0]]).toEqual([`from ${older} true`, `from ${newest} true`]);
  });

  it('goes to the one before when the newest is damaged, and to none while the store cannot say', async () => {
    const rejected = (error: Error): Promise<never> => {
      const promise = Promise.reject<never>(error);
      promise.catch(() => {});
      return promise;
    };
    const damaged = rejected(failure('CHECKPOINT_CORRUPTED', { checkpoint: newest, why: 'a bit' }));
    const one = setUp({ unread: { [newest]: damaged } });
    await one.run();
    expect(one.asked[0]).toBe(`from ${older} true`);
    const none = setUp({ unread: { [newest]: damaged, [older]: damaged } });
    await expect(none.run()).rejects.toThrow('with the mode none it begins with nothing');
    const busy = setUp({ unread: { [newest]: rejected(failure('STORE_FAILED', { store: 'state.db', why: 'busy' })) } });
    await expect(busy.run()).rejects.toMatchObject({ code: 'STORE_FAILED' });
    expect(busy.asked).toEqual([]);
  });

  it('is restarted when it is about to end, whatever it listens for', async () => {
    const { asked, run } = setUp({ hears: true, life: { ready: true, ending: Promise.resolve() } });
    await run();
    expect(asked).toEqual([`from ${newest} true`, 'restart', 'begun']);
  });

  it('to nothing is one that has only journalled, too', async () => {
    const { asked, run, starting } = setUp();
    expect(await run(starting, { mode: 'full' })).toMatchObject({ points: [] });
    expect(await run(starting, { mode: 'none' })).toMatchObject({
      points: [{ component: planner, checkpoint_id: null }],
    });
    expect(asked[0]).toBe('from null true');
  });

  it.each([
    ['stopping', ['awaited', 'begun']],
    ['running', []],
  ])('that is %s when the next daemon comes', (is, expected) => {
    const { recover, asked, starting } = setUp({ is });
    recover.arrive();
    starting();
    expect(asked).toEqual(expected);
  });
});

describe('a component that takes its state while it runs', () => {
  it('is given it as it is when it asks for it, and what it saves counts from then on', async () => {
    const { asked, run } = setUp({ hears: true, setState: (give) => give().then(() => true) });
    await run();
    expect(asked).toEqual([`from ${newest} true`, 'begun', 'getState']);
  });

  it('goes on as before when it does not', async () => {
    const { asked, run } = setUp({ hears: true, setState: () => Promise.reject(new Error('it answered: no')) });
    await expect(run()).rejects.toThrow('it answered: no');
    expect(asked).toEqual([`from ${newest} true`, 'drop']);
  });

  describe('and has asked for it without a word whether it took it', () => {
    const silent = { hears: true, setState: (give: () => Promise<unknown>) => give().then(() => false) };
    const handed = [`from ${newest} true`, 'begun', 'getState', `from ${newest} true`, 'restart'];

    it('is restarted from there: what it saves until then does not count', async () => {
      const { asked, run } = setUp(silent);
      expect(await run()).toMatchObject({ points: [{ how: 'restart' }] });
      expect(asked).toEqual([...handed, 'begun']);
    });

    it('continues from there with its next life when it cannot be restarted', async () => {
      const { asked, run } = setUp(silent);
      await expect(run(() => Promise.reject(new Error('the daemon is stopping')))).rejects.toThrow('is stopping');
      expect(asked).toEqual([...handed, 'begun']);
    });
  });
});

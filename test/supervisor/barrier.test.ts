import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { failure } from '../../src/errors.ts';
import { componentName, type CheckpointId, type ComponentName, type RecoveryEvent } from '../../src/model/index.ts';
import { createActor, type ActorDeps } from '../../src/supervisor/actor.ts';
import { createBarrier } from '../../src/supervisor/barrier.ts';
import type { Command } from '../../src/supervisor/command-lines.ts';
import { createCommands } from '../../src/supervisor/commands.ts';
import type { RecoverDone } from '../../src/supervisor/recover.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { until } from '../support/temp.ts';

const all = ['pause', 'resume', 'get_state'] as const;
const [a, b, deaf] = ['a', 'b', 'deaf'].map(componentName) as [ComponentName, ComponentName, ComponentName];

/** Components a and b that answer what `silent` does not name, and one that listens for nothing. */
function setUp() {
  const clock = new FakeClock();
  const events: RecoveryEvent[] = [];
  const manifests: (readonly string[])[] = [];
  const lives = new Map([a, b, deaf].map((name) => [name, new AbortController()]));
  const told: string[] = [];
  const ids = new Map<string, string>();
  const silent = new Set<string>();
  /** Runs before an answer is given. */
  const before = new Map<string, () => unknown>();
  const life = (name: ComponentName) => lives.get(name)?.signal;
  const commands = createCommands({
    clock,
    lifeOf: life,
    putState: (component) => Promise.resolve({ checkpoint_id: `CP-${component}` as CheckpointId, kind: 'full' }),
  });
  const barrier = createBarrier({
    clock,
    emit: (...stated) => void events.push(...stated),
    commands,
    writeManifest(checkpoints, trigger) {
      told.push('manifest');
      manifests.push(checkpoints);
      return Promise.resolve({ manifest_id: 'MAN-1', trigger } as never);
    },
    names: () => [a, b, deaf],
    nameOf(name) {
      const known = [a, b, deaf].find((one) => one === name);
      if (!known) throw failure('COMPONENT_NOT_FOUND', { component: name });
      return known;
    },
    lifeOf: (name) => (lives.get(name)?.signal.aborted ? undefined : life(name)),
    processOf: (name) => name,
  });
  const answer = async (name: ComponentName, { kind, id }: Command) => {
    const what = `${name} ${kind}`;
    told.push(what);
    ids.set(what, id);
    await before.get(what)?.();
    if (silent.has(what)) return;
    if (kind === 'get_state') await commands.answer(name, id, Buffer.from('{"state":1}'));
    else commands.done(name, id);
  };
  for (const name of [a, b])
    commands.listen(name, { kinds: new Set(all), send: (command) => void answer(name, command), end: () => {} });
  const run = (names: string[] | null = null) => {
    const done = barrier.run(names, 'person', 10_000);
    done.catch(() => {});
    return done;
  };
  const wasTold = (what: string) => until(what, () => told.includes(what));
  return { clock, events, manifests, lives, told, ids, silent, before, barrier, commands, run, wasTold };
}

const failing = (why: string) => ({ code: 'ACTION_FAILED', message: expect.stringContaining(why) as string });

describe('a consistent checkpoint', () => {
  it('is taken when all are paused, named when all is saved, and then all go on', async () => {
    const { run, told, manifests, events } = setUp();
    expect(await run()).toMatchObject({ manifest_id: 'MAN-1', checkpoints: { a: 'CP-a', b: 'CP-b' } });
    expect(told).toEqual(['a pause', 'b pause', 'a get_state', 'b get_state', 'manifest', 'a resume', 'b resume']);
    expect(manifests).toEqual([['CP-a', 'CP-b']]);
    expect(events).toMatchObject([{ type: 'system.checkpointed', manifest: 'MAN-1', components: [a, b], why: null }]);
  });

  it('begins with no state before the last has paused', async () => {
    const { run, told, before, wasTold } = setUp();
    const ready = Promise.withResolvers<void>();
    before.set('b pause', () => ready.promise);
    const done = run();
    await wasTold('b pause');
    await setImmediate();
    expect(told).toEqual(['a pause', 'b pause']);
    ready.resolve();
    await done;
  });

  it('takes no state that a component was asked for before it paused', async () => {
    const { run, told, commands, before, wasTold } = setUp();
    const early = Promise.withResolvers<void>();
    before.set('a get_state', () => early.promise);
    const automatic = commands.saveState(a, 'interval', 10_000);
    const done = run();
    await wasTold('b get_state');
    before.delete('a get_state');
    early.resolve();
    await Promise.all([automatic, done]);
    expect(told.filter((what) => what === 'a get_state')).toHaveLength(2);
  });

  it.each([
    ['listens for nothing', ['a', 'deaf'], failing('it does not listen for it')],
    ['is unknown', ['a', 'nobody'], { code: 'COMPONENT_NOT_FOUND' }],
  ])('asks nobody when one that is named %s', async (_, names, error) => {
    const { run, told, events } = setUp();
    await expect(run(names)).rejects.toMatchObject(error);
    expect([told, events]).toEqual([[], []]);
  });

  it('asks nobody when one that is named does not run, or none listens', async () => {
    const { run, told, lives } = setUp();
    for (const name of [a, b]) lives.get(name)?.abort();
    await expect(run(['a'])).rejects.toMatchObject(failing('it is not running'));
    await expect(run()).rejects.toMatchObject(failing('none of those that run listens for it'));
    expect(told).toEqual([]);
  });

  it.each(['b pause', 'b get_state'])('is given up when there is no answer to: %s', async (what) => {
    const { run, told, silent, clock, manifests, events, wasTold } = setUp();
    silent.add(what);
    const done = run();
    await wasTold(what);
    await clock.advance(10_000);
    await expect(done).rejects.toMatchObject(failing('checkpoint of "b" failed: it did not answer within 10s'));
    expect(told.slice(-2)).toEqual(['a resume', 'b resume']);
    expect(manifests).toEqual([]);
    expect(events).toMatchObject([{ type: 'system.checkpointed', manifest: null, outcome: 'failure' }]);
  });

  it.each(['b pause', 'b get_state'])('is given up when one cannot: %s', async (what) => {
    const { run, told, silent, commands, manifests, ids, wasTold } = setUp();
    silent.add(what);
    const declined = run();
    await wasTold(what);
    commands.decline(b, ids.get(what) ?? '', 'a payment is under way');
    await expect(declined).rejects.toMatchObject(failing('it answered: a payment is under way'));
    expect(told).toContain('a resume');
    expect(manifests).toEqual([]);
  });

  it.each(['a pause', 'a get_state'])('is given up when one dies after: %s', async (what) => {
    const { run, told, silent, lives, manifests, wasTold } = setUp();
    silent.add('b get_state');
    const done = run();
    await wasTold(what);
    await wasTold('b get_state');
    lives.get(a)?.abort();
    await expect(done).rejects.toMatchObject(failing('checkpoint of "a" failed: it ended before'));
    expect(told.filter((each) => each.endsWith('resume'))).toEqual(['b resume']);
    expect(manifests).toEqual([]);
  });

  it('is given up when one is about to be stopped, or all are brought back', async () => {
    const { run, silent, barrier, wasTold, manifests, clock, told } = setUp();
    silent.add('b get_state');
    const stopped = run();
    await wasTold('b get_state');
    barrier.hear({ type: 'component.stopping', component: deaf } as RecoveryEvent, null);
    barrier.hear({ type: 'component.stopping', component: a } as RecoveryEvent, null);
    await expect(stopped).rejects.toMatchObject(failing('checkpoint of "a" failed: it is being stopped'));
    told.length = 0;
    const recovered = run();
    await wasTold('b get_state');
    void barrier.abort('a recovery');
    await expect(recovered).rejects.toMatchObject(failing('a recovery'));
    expect(manifests).toEqual([]);
    await clock.advance(20_000);
    await barrier.abort('nothing is under way');
  });

  it('lets whoever gives it up know when all have been told to go on, be it that one hangs', async () => {
    const { barrier, run, silent, wasTold, clock, told } = setUp();
    silent.add('b pause').add('b resume');
    const done = run();
    await wasTold('b pause');
    let isReleased = false;
    const released = barrier.abort('the end').then(() => (isReleased = true));
    await wasTold('b resume');
    expect(told).toContain('a resume');
    await clock.advance(1_999);
    expect(isReleased).toBe(false);
    await clock.advance(1);
    await released;
    await expect(done).rejects.toMatchObject(failing('the end'));
  });

  it('does not begin while components are being brought back', async () => {
    const { barrier, run, silent, wasTold, told } = setUp();
    const [first, second] = [Promise.withResolvers<RecoverDone>(), Promise.withResolvers<RecoverDone>()];
    const recoveries = [first.promise, second.promise];
    const deps: Partial<ActorDeps> = { barrier, stopping: () => false, recover: async () => recoveries.shift()! };
    const actor = createActor(deps as ActorDeps);
    const recover = () => actor.recover({ mode: 'full', journal: true, timeout: 1_000 }, 'person');
    silent.add('b get_state');
    const begun = run();
    await wasTold('b get_state');
    const both = [recover(), recover()];
    await expect(begun).rejects.toMatchObject(failing('brought back'));
    silent.clear();
    told.length = 0;
    const refused = { code: 'ACTION_REFUSED', message: expect.stringContaining('being brought back') as string };
    await expect(actor.checkpointTogether(null, 'person', 10_000)).rejects.toMatchObject(refused);
    first.reject(new Error('it failed'));
    await expect(both[0]).rejects.toThrow('it failed');
    await expect(actor.checkpointTogether([a], 'person', 10_000)).rejects.toMatchObject(refused);
    expect(told).toEqual([]);
    second.resolve({} as RecoverDone);
    await both[1];
    expect(await actor.checkpointTogether(null, 'person', 10_000)).toMatchObject({ manifest_id: 'MAN-1' });
  });

  it('is one at a time, until all go on', async () => {
    const { run, before, wasTold, clock, silent } = setUp();
    const ready = Promise.withResolvers<void>();
    before.set('a pause', () => ready.promise);
    silent.add('b resume');
    const first = run();
    await wasTold('a pause');
    const refused = { code: 'ACTION_REFUSED', http: 409 };
    await expect(run(['b'])).rejects.toMatchObject(refused);
    ready.resolve();
    await wasTold('b resume');
    await expect(run()).rejects.toMatchObject(refused);
    await clock.advance(2_000);
    await first;
    silent.clear();
    await run();
  });

  it('tells one to go on that has lost its line for a moment', async () => {
    const { commands } = setUp();
    const order = commands.order(deaf, 'resume', {}, 1_000);
    commands.listen(deaf, {
      kinds: new Set(['resume'] as const),
      send: ({ id }) => commands.done(deaf, id),
      end: () => {},
    });
    await order;
  });
});

import { describe, expect, it } from 'vitest';
import { componentName, type CheckpointId, type ComponentName, type RecoveryEvent } from '../../src/model/index.ts';
import { createAutoCheckpoint } from '../../src/supervisor/auto-checkpoint.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { samples } from '../telemetry/events.ts';

const planner = componentName('planner');
const writer = componentName('writer');

/** Two components with an interval of a minute; `deaf` ones do not listen. */
function setUp(deaf: readonly ComponentName[] = [], journalling: readonly ComponentName[] = []) {
  const clock = new FakeClock();
  const asked: [string, string][] = [];
  const auto = createAutoCheckpoint({
    clock,
    commands: {
      hears: (component) => !deaf.includes(component),
      saveState(component, trigger) {
        asked.push([component, trigger]);
        return Promise.resolve({ checkpoint_id: 'CP-1' as CheckpointId, kind: 'full' });
      },
    },
    journals: (component) => journalling.includes(component),
    saveable: () => [planner, writer].map((name) => ({ name, intervalMs: 60_000 })),
  });
  const written = (component: ComponentName, capturedAt = clock.now()) =>
    auto.read({ ...samples['checkpoint.written'], component, capturedAt } as RecoveryEvent);
  const pass = async (seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      await clock.advance(1_000);
      auto.tick();
    }
  };
  auto.tick();
  return { auto, asked, clock, written, pass };
}

describe('a component', () => {
  it('is asked for its state at its interval, counted from its newest checkpoint', async () => {
    const { asked, written, pass } = setUp([writer]);
    await pass(59);
    expect(asked).toEqual([]);
    await pass(1);
    expect(asked).toEqual([['planner', 'interval']]);
    await pass(30);
    written(planner);
    await pass(59);
    expect(asked).toHaveLength(1);
    await pass(1);
    expect(asked).toHaveLength(2);
  });

  it('that says that nothing has changed is left alone until something has', async () => {
    const { auto, asked, pass } = setUp([writer]);
    auto.hear(planner, 'clean');
    await pass(120);
    expect(asked).toEqual([]);
    auto.hear(planner, 'dirty');
    await pass(1);
    expect(asked).toEqual([['planner', 'interval']]);
  });

  it('that says that it is urgent is asked at once, and not twice at a time', () => {
    const { auto, asked } = setUp();
    auto.hear(planner, 'urgent');
    auto.hear(planner, 'urgent');
    expect(asked).toEqual([['planner', 'size']]);
  });

  it('with unsaved changes saves them when another one crashes, at most every ten seconds', async () => {
    const { auto, asked, clock } = setUp();
    const crash = () => auto.read({ ...samples['component.crashed'], component: writer } as RecoveryEvent);
    crash();
    expect(asked).toEqual([]);
    await clock.advance(10_000);
    auto.hear(planner, 'dirty');
    auto.hear(writer, 'dirty');
    crash();
    await clock.advance(9_000);
    crash();
    expect(asked).toEqual([['planner', 'interval']]);
  });

  it('is dirty from its oldest unsaved change on, until a checkpoint was taken after it', async () => {
    const { auto, clock, written } = setUp();
    expect(auto.dirtyMs(planner)).toBeUndefined();
    const before = clock.now();
    await clock.advance(5_000);
    auto.hear(planner, 'dirty');
    await clock.advance(3_000);
    auto.hear(planner, 'dirty');
    written(planner, before);
    expect(auto.dirtyMs(planner)).toBe(3_000);
    written(planner);
    expect(auto.dirtyMs(planner)).toBe(0);
    auto.hear(planner, 'urgent');
    await clock.advance(1_000);
    expect(auto.dirtyMs(planner)).toBe(1_000);
    auto.hear(planner, 'clean');
    expect(auto.dirtyMs(planner)).toBe(0);
  });

  it('that tells the age of its oldest change is believed, and it goes on from there', async () => {
    const { auto, clock, written } = setUp([], [planner]);
    auto.hear(planner, 'dirty', 7_000);
    expect(auto.dirtyMs(planner)).toBe(7_000);
    await clock.advance(2_000);
    expect(auto.dirtyMs(planner)).toBe(9_000);
    auto.hear(planner, 'dirty', 0);
    expect(auto.dirtyMs(planner)).toBe(0);
    await clock.advance(1_000);
    written(planner, clock.now());
    expect(auto.dirtyMs(planner)).toBe(0);
  });

  it('that journals has nothing at risk unless it says so, and is asked for its state all the same', async () => {
    const { auto, asked, pass } = setUp([writer], [planner]);
    expect(auto.dirtyMs(planner)).toBeUndefined();
    auto.hear(planner, 'dirty');
    await pass(60);
    expect(auto.dirtyMs(planner)).toBe(0);
    expect(asked).toEqual([['planner', 'interval']]);
  });

  it.each(['component.crashed', 'component.stopped', 'component.started', 'component.removed'] as const)(
    'has nothing at risk any more after %s',
    (type) => {
      const { auto } = setUp();
      auto.hear(planner, 'dirty');
      auto.read({ ...samples[type], component: planner } as RecoveryEvent);
      expect(auto.dirtyMs(planner)).toBeUndefined();
    },
  );
});

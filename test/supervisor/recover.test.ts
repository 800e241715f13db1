import { describe, expect, it } from 'vitest';
import { failure, type ParamedicError } from '../../src/errors.ts';
import { componentName, type CheckpointId } from '../../src/model/index.ts';
import type { House } from '../../src/supervisor/house.ts';
import { createRecover } from '../../src/supervisor/recover.ts';
import { FakeClock } from '../support/fake-clock.ts';

const planner = componentName('planner');
const id = 'CP-1' as CheckpointId;

/** A component that is restarted to go back, and a store from which the checkpoint is read as `getStateAt` says. */
function setUp(getStateAt: () => Promise<unknown>) {
  const house = {
    clock: new FakeClock(),
    commands: { hears: () => false },
    roster: { get: () => ({ name: planner, life: null }) },
    bus: { emit: () => {} },
    state: {
      storeHeld: () => Promise.resolve(),
      list: () => Promise.resolve([{ checkpoint_id: id, valid: true, kind: 'full' }]),
      read: () => Promise.resolve({ checkpoint_id: id, component: planner, at: 0, through: null }),
      getStateAt,
    },
  };
  const recover = createRecover(house as unknown as House);
  const done = () => Promise.resolve('');
  const wish = { component: planner, mode: 'full', journal: true, timeout: 1_000 } as const;
  return { recover, run: () => recover.run(wish, 'person', { start: done, restart: done }) };
}

describe('a component that is to go back at its next start', () => {
  it.each([
    failure('CHECKPOINT_NOT_FOUND', { checkpoint: id }),
    failure('CHECKPOINT_CORRUPTED', { checkpoint: id, why: 'a bit' }),
  ])('goes on from what it would otherwise when that has gone meanwhile: $code', async (gone: ParamedicError) => {
    const { recover, run } = setUp(() => Promise.reject(gone));
    await run();
    expect(await recover.pinned(planner)).toBeUndefined();
  });

  it('asks again while the store cannot say', async () => {
    const answers = [
      Promise.reject(failure('STORE_FAILED', { store: 'state.db', why: 'busy' })),
      Promise.resolve('restored'),
    ];
    answers[0]?.catch(() => {});
    const { recover, run } = setUp(() => answers.shift()!);
    await run();
    await expect(recover.pinned(planner)).rejects.toMatchObject({ code: 'STORE_FAILED' });
    expect(await recover.pinned(planner)).toBe('restored');
  });
});

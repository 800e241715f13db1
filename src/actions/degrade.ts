import { levelWish } from '../level-wish.ts';
import { defineAction, triggerOf } from './action.ts';

export const degrade = defineAction({
  kind: 'degrade',
  summary: 'Holds the level of degradation, or gives it back to the machine.',
  parameters: levelWish,
  run: async ({ level, for: forMs = null }, { degradation }, by) =>
    level === 'auto' ? degradation.unpin(triggerOf[by]) : degradation.pin(level, triggerOf[by], forMs),
});

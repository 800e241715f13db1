import { z } from 'zod';
import { defineAction, triggerOf } from './action.ts';

export const breakerReset = defineAction({
  kind: 'breaker_reset',
  summary: 'Closes a breaker, forgets what it has seen and lets it judge by itself again.',
  parameters: z.strictObject({ breaker: z.string() }),
  run: async ({ breaker }, actor, by) => actor.breakers.reset(breaker, triggerOf[by]),
});

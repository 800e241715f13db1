import { z } from 'zod';
import { defineAction, triggerOf } from './action.ts';

export const breakerOpen = defineAction({
  kind: 'breaker_open',
  summary: 'Lets no call through until the breaker is closed or reset.',
  parameters: z.strictObject({ breaker: z.string() }),
  run: async ({ breaker }, actor, by) => actor.breakers.open(breaker, triggerOf[by]),
});

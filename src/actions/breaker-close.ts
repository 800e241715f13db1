import { z } from 'zod';
import { defineAction, triggerOf } from './action.ts';

export const breakerClose = defineAction({
  kind: 'breaker_close',
  summary: 'Lets every call through until the breaker is opened or reset.',
  parameters: z.strictObject({ breaker: z.string() }),
  run: async ({ breaker }, actor, by) => actor.breakers.close(breaker, triggerOf[by]),
});

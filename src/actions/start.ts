import { z } from 'zod';
import { defineAction } from './action.ts';

export const start = defineAction({
  kind: 'start',
  summary: 'Starts a component, also one that has failed or was held down.',
  parameters: z.strictObject({ component: z.string(), force: z.boolean().default(false) }),
  run: ({ component }, actor, by) => actor.start(component, by),
});

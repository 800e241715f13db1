import { z } from 'zod';
import { defineAction } from './action.ts';

export const restart = defineAction({
  kind: 'restart',
  summary: 'Stops a component gracefully and starts it again.',
  parameters: z.strictObject({ component: z.string(), force: z.boolean().default(false) }),
  run: ({ component, force }, actor, by) => actor.restart(component, by, force),
});

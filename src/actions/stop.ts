import { z } from 'zod';
import { defineAction } from './action.ts';

export const stop = defineAction({
  kind: 'stop',
  summary: 'Stops a component with its whole process tree and keeps it down.',
  parameters: z.strictObject({ component: z.string(), force: z.boolean().default(false) }),
  run: ({ component }, actor, by) => actor.stop(component, by),
});

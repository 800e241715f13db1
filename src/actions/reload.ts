import { z } from 'zod';
import { defineAction } from './action.ts';

export const reload = defineAction({
  kind: 'reload',
  summary: 'Reads the configuration again and applies what has changed.',
  parameters: z.strictObject({}),
  run: (_, actor) => actor.reload(),
});

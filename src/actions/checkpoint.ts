import { z } from 'zod';
import { duration } from '../units.ts';
import { defineAction } from './action.ts';

export const checkpoint = defineAction({
  kind: 'checkpoint',
  summary: 'Makes a running component save its state now.',
  parameters: z.strictObject({ component: z.string(), timeout: duration().default(10_000) }),
  run: ({ component, timeout }, actor, by) => actor.checkpoint(component, by, timeout),
});

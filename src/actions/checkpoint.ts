import { z } from 'zod';
import { checkpointKinds } from '../model/index.ts';
import { duration } from '../units.ts';
import { defineAction } from './action.ts';

const parameters = z
  .strictObject({
    component: z.string().optional(),
    /** Together; without it all that listen for it. */
    components: z.array(z.string()).min(1).max(1_000).optional(),
    consistent: z.boolean().default(false),
    timeout: duration().default(10_000),
    /** Of the one component: what is taken together is stored as it costs least. */
    kind: z.enum(checkpointKinds).optional(),
  })
  .refine(
    ({ component, components, consistent, kind }) =>
      consistent ? component === undefined && kind === undefined : component !== undefined && components === undefined,
    {
      path: ['component'],
      error: () => 'expected one component; or "consistent": true, with "components" or without, and no "kind"',
    },
  );

export const checkpoint = defineAction({
  kind: 'checkpoint',
  summary: 'Makes a running component save its state now, or several of them together.',
  parameters,
  run: ({ component, components, timeout, kind }, actor, by) =>
    component === undefined
      ? actor.checkpointTogether(components ?? null, by, timeout)
      : actor.checkpoint(component, by, timeout, kind),
});

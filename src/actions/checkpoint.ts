import { z } from 'zod';
import type { AskedKind } from '../checkpoints/index.ts';
import { duration } from '../units.ts';
import { defineAction } from './action.ts';

/** What may be asked for: `full` whole in state.db, `disk` as a file too, `memory` in the daemon's memory only. */
export const checkpointKinds = ['full', 'memory', 'disk'] as const satisfies readonly AskedKind[];

export const checkpoint = defineAction({
  kind: 'checkpoint',
  summary: 'Makes a running component save its state now.',
  parameters: z.strictObject({
    component: z.string(),
    timeout: duration().default(10_000),
    kind: z.enum(checkpointKinds).optional(),
  }),
  run: ({ component, timeout, kind }, actor, by) => actor.checkpoint(component, by, timeout, kind),
});

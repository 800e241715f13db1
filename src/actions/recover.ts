import { z } from 'zod';
import { isManifestId } from '../model/index.ts';
import { duration } from '../units.ts';
import { defineAction } from './action.ts';

export const recoveryModes = ['full', 'partial', 'minimal', 'none'] as const;
export type RecoveryMode = (typeof recoveryModes)[number];

const parameters = z
  .strictObject({
    component: z.string().optional(),
    /** Of one component; or a manifest, for all that it names. */
    checkpoint: z.string().max(100).optional(),
    mode: z.enum(recoveryModes).default('full'),
    journal: z.boolean().optional(),
    timeout: duration().default(10_000),
  })
  .refine(
    ({ component, checkpoint, mode }) =>
      checkpoint === undefined || !isManifestId(checkpoint) || (component === undefined && mode === 'full'),
    {
      path: ['checkpoint'],
      error: () => 'a manifest (MAN-…) is gone back to as a whole: without "component", and with the mode full only',
    },
  );
/**
 * `journal` false: what was journalled after the checkpoint is left out; undefined: only when it is a manifest.
 * `timeout`: of one that takes its state while it runs, in ms.
 */
export type RecoverWish = z.output<typeof parameters>;

export const recover = defineAction({
  kind: 'recover',
  summary: 'Brings components back to what they had saved.',
  parameters,
  run: (wish, actor, by) => actor.recover(wish, by),
});

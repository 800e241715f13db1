import { z } from 'zod';
import { duration } from '../units.ts';
import { defineAction } from './action.ts';

export const recoveryModes = ['full', 'partial', 'minimal', 'none'] as const;
export type RecoveryMode = (typeof recoveryModes)[number];

const parameters = z.strictObject({
  component: z.string().optional(),
  checkpoint: z.string().max(100).optional(),
  mode: z.enum(recoveryModes).default('full'),
  journal: z.boolean().default(true),
  timeout: duration().default(10_000),
});
/** `journal` false: what was journalled after the checkpoint is left out. `timeout`: of one that takes its state while it runs, in ms. */
export type RecoverWish = z.output<typeof parameters>;

export const recover = defineAction({
  kind: 'recover',
  summary: 'Brings components back to what they had saved.',
  parameters,
  run: (wish, actor, by) => actor.recover(wish, by),
});

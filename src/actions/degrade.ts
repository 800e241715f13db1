import { z } from 'zod';
import { degradationLevels } from '../model/index.ts';
import { duration } from '../units.ts';
import { defineAction, triggerOf } from './action.ts';

/** Beyond it timers and dates end. */
const LONGEST_MS = 366 * 86_400_000;

const parameters = z
  .strictObject({
    level: z.enum([...degradationLevels, 'auto'], {
      error: () => `expected one of ${degradationLevels.join(', ')}, auto`,
    }),
    for: duration()
      .refine((ms) => ms > 0 && ms <= LONGEST_MS, { error: () => 'expected a duration longer than 0, at most 366d' })
      .optional(),
  })
  .refine(({ level, for: forMs }) => level !== 'auto' || forMs === undefined, {
    path: ['for'],
    error: () => 'goes with a level only: auto ends what was held',
  });

export const degrade = defineAction({
  kind: 'degrade',
  summary: 'Holds the level of degradation, or gives it back to the machine.',
  parameters,
  run: async ({ level, for: forMs = null }, { degradation }, by) =>
    level === 'auto' ? degradation.unpin(triggerOf[by]) : degradation.pin(level, triggerOf[by], forMs),
});

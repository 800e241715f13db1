import { z } from 'zod';
import { duration, size } from '../units.ts';

export const crashesSchema = z
  .strictObject({
    keep: z.number().int().min(1).default(1_000).describe('Most crash reports that are kept.'),
    max_age: duration()
      .default(90 * 86_400_000)
      .describe('How long a crash report is kept.'),
    max_size: size()
      .default(256 * 2 ** 20)
      .describe('Most bytes that all crash reports take together.'),
  })
  .describe('Crash reports, in `state_dir/crashes`: the newest stay, and the very newest always.');
export type CrashRetention = z.output<typeof crashesSchema>;

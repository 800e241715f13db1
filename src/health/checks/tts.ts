import { z } from 'zod';
import { defineCheck } from '../check.ts';
import { askEngine, engineOptions, oneSource } from '../engine.ts';

const options = z.strictObject({
  ...engineOptions,
  voice: z.string().min(1).optional().describe('Voice that must be among them, by its name or id.'),
});

export const tts = defineCheck({
  kind: 'tts',
  summary: 'Healthy while a text-to-speech engine lists its voices.',
  options: options.refine(oneSource, { error: () => 'expected either `url` or `command`: who lists the voices' }),
  run: (engine, context) => askEngine(engine, 'voice', engine.voice, context),
});

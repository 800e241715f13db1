import { z } from 'zod';
import { defineCheck, healthy, unhealthy, unknown } from '../check.ts';
import { askEngine, countMicrophones, engineOptions, oneSource } from '../engine.ts';

const options = z.strictObject({
  ...engineOptions,
  model: z.string().min(1).optional().describe('Model that must be among them, by its name or id.'),
  microphone: z.boolean().default(false).describe('A sound device that records must be there (Linux: /proc/asound).'),
});

export const stt = defineCheck({
  kind: 'stt',
  summary: 'Healthy while a speech-to-text engine lists its models and, when asked for, there is a microphone.',
  options: options.refine(oneSource, { error: () => 'expected either `url` or `command`: who lists the models' }),
  async run(engine, context) {
    const listed = await askEngine(engine, 'model', engine.model, context);
    if (listed.status !== 'healthy' || !engine.microphone) return listed;
    const microphones = countMicrophones();
    if (microphones === null) return unknown('sound devices cannot be read on this system');
    if (microphones === 0) return unhealthy('no microphone');
    return healthy(`${listed.message}; ${microphones} microphone${microphones === 1 ? '' : 's'}`);
  },
});

import { z } from 'zod';

export const telemetrySchema = z
  .strictObject({
    series_limit: z
      .number()
      .int()
      .min(100)
      .default(12_000)
      .describe('Most series on /metrics; label sets beyond it are folded into _OTHER.'),
    log: z
      .strictObject({
        level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
        file: z.boolean().default(true).describe('Also write state_dir/logs/paramedic.log.'),
      })
      .prefault({}),
  })
  .describe('Metrics and logs.');
export type TelemetryPolicy = z.output<typeof telemetrySchema>;

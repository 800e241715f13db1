import { z } from 'zod';
import { duration } from '../units.ts';
import { checkSampling } from './check-sampler.ts';
import { checkSeries } from './fit.ts';

const isHttpUrl = (text: string): boolean => {
  const url = URL.parse(text);
  return url !== null && (url.protocol === 'http:' || url.protocol === 'https:') && url.search + url.hash === '';
};

const otlpSchema = z
  .strictObject({
    endpoint: z
      .string()
      .refine(isHttpUrl, { error: () => 'expected an address such as http://127.0.0.1:4318' })
      .describe('Where the collector listens (OTLP over HTTP); `/v1/traces` is appended.'),
    headers: z
      .record(z.string(), z.string())
      .default({})
      .describe('Sent with each request. Write what is secret as `${NAME}` or `${file:…}`.'),
    timeout: duration().default(10_000).describe('Time for one export.'),
  })
  .describe('A collector for traces; without it nothing is exported and no OpenTelemetry is loaded.');

export const telemetrySchema = z
  .strictObject({
    series_limit: z
      .number()
      .int()
      .min(100)
      .default(12_000)
      .describe('Most series on /metrics; label sets beyond it are folded into _OTHER.'),
    check_series: z
      .enum(checkSeries)
      .default('auto')
      .describe(
        'Which metrics tell checks apart. auto: those that fit in half of series_limit, histograms given up first, counters then per component; all: every one, and what is beyond the limit is folded as it comes.',
      ),
    log: z
      .strictObject({
        level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
        file: z.boolean().default(true).describe('Also write state_dir/logs/paramedic.log.'),
      })
      .prefault({}),
    otlp: otlpSchema.optional(),
    traces: z
      .strictObject({
        sample_healthy_checks: z
          .enum(checkSampling)
          .default('auto')
          .describe(
            'Which healthy runs of checks become spans; failures and changes always do. auto: 50 a second and one in a hundred of the rest.',
          ),
      })
      .prefault({}),
  })
  .describe('Metrics, logs and traces. A change needs a new daemon.');
export type TelemetryPolicy = z.output<typeof telemetrySchema>;

import { z } from 'zod';
import { duration } from '../units.ts';

/** Failures are remembered one by one, as many as the threshold. */
const MOST_FAILURES = 1_000;

const count = () => z.number().int().min(1);
const time = () => duration().refine((ms) => ms > 0, { error: () => 'expected a duration longer than 0' });

export const breakerSchema = z
  .strictObject({
    failure_threshold: count()
      .max(MOST_FAILURES)
      .default(5)
      .describe('It opens after this many failures in a row, or this many within failure_window.'),
    failure_window: time().default(60_000).describe('Sliding window for failures with successes between them.'),
    recovery_timeout: time().default(30_000).describe('How long it stays open before it lets probes through.'),
    half_open_max_calls: count().default(3).describe('Probes that may be in flight at the same time.'),
    half_open_max_wait: time()
      .default(60_000)
      .describe('A probe that has not reported back after this long has failed: it opens again.'),
    success_threshold: count().default(2).describe('Probes that must succeed before it closes; any failure opens it.'),
  })
  .describe('When calls to something that components lean on are no longer made.');
/** Durations in ms. */
export type BreakerPolicy = z.output<typeof breakerSchema>;

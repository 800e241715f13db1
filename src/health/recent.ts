import type { z } from 'zod';
import { ratio } from '../units.ts';
import { degraded, unhealthy, type CheckResult } from './check.ts';

/** As many as one number can remember. */
const REMEMBERED = 30;
/** Fewer say nothing of a rate. */
const FEWEST = 5;

export const errorRateOptions = {
  error_rate_warning: ratio()
    .default(0.1)
    .describe('Share of failures among the recent ones above which it is degraded.'),
  error_rate_critical: ratio()
    .default(0.3)
    .describe('Share of failures among the recent ones above which it is unhealthy.'),
};
type Limits = z.output<z.ZodObject<typeof errorRateOptions>>;

/** How many of the recent ones failed. */
export interface Recent {
  readonly failures: number;
  readonly of: number;
}

/** Remembers how one question ended and tells of the last 30. */
export function remember(memory: Map<string, number>, ok: boolean): Recent {
  const of = Math.min(REMEMBERED, (memory.get('recent of') ?? 0) + 1);
  const bits = (((memory.get('recent failures') ?? 0) << 1) | Number(!ok)) & (2 ** REMEMBERED - 1);
  memory.set('recent of', of).set('recent failures', bits);
  return { failures: bits.toString(2).replaceAll('0', '').length, of };
}

/** What the share of failures means; null: nothing, or there are too few to tell. */
export function judgeRecent(what: string, { failures, of }: Recent, limits: Limits): CheckResult | null {
  const share = of < FEWEST ? 0 : failures / of;
  const sentence = `${failures} of the last ${of} ${what} failed`;
  if (share > limits.error_rate_critical) return unhealthy(sentence);
  return share > limits.error_rate_warning ? degraded(sentence) : null;
}

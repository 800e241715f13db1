import { z } from 'zod';
import { duration, formatDuration, ratio } from '../../units.ts';
import { defineCheck, degraded, healthy, unhealthy, unknown } from '../check.ts';
import { COUNTS_OUTCOMES, LONGEST_WINDOW_MS } from '../outcome-log.ts';

const options = z.strictObject({
  source: z
    .enum(['calls', 'checks'])
    .default('calls')
    .describe(
      'calls: what the component tells of its calls (`POST /component/v1/outcomes`); checks: the results of its other checks.',
    ),
  of: z.string().min(1).optional().describe('One dependency, or one check; default: all of them together.'),
  window: duration()
    .refine((ms) => ms >= 1_000 && ms <= LONGEST_WINDOW_MS, { error: () => 'expected from 1s to 1h' })
    .default(300_000)
    .describe('How far back is looked, at most an hour.'),
  minimum: z.number().int().min(1).default(10).describe('Fewer outcomes tell nothing: unknown.'),
  warning: ratio().default(0.95).describe('Share of successes below which it is degraded.'),
  critical: ratio().default(0.8).describe('Share of successes below which it is unhealthy.'),
});

export const successRate = defineCheck({
  kind: COUNTS_OUTCOMES,
  summary: 'Healthy while most of what a component does, or of what its checks find, goes well.',
  options,
  needsWork: true,
  run({ source, of, window, minimum, warning, critical }, { subject }) {
    const { ok, failed } = subject.successes(source, of, window);
    const all = ok + failed;
    const what = of === undefined ? source : `${source} of ${of}`;
    const sentence = `${ok} of ${all} ${what} went well in the last ${formatDuration(window)}`;
    if (all < minimum) return unknown(`${sentence}: too few to tell`);
    const share = ok / all;
    if (share < critical) return unhealthy(sentence);
    return share < Math.max(warning, critical) ? degraded(sentence) : healthy(sentence);
  },
});

import { z } from 'zod';
import { duration, formatDuration } from '../../units.ts';
import { defineCheck, degraded, healthy, unhealthy, unknown } from '../check.ts';

export const ping = defineCheck({
  kind: 'ping',
  summary: 'Healthy while a job tells in time that it has run, with `GET /ping/TOKEN`.',
  options: z.strictObject({
    token: z
      .string()
      .regex(/^[A-Za-z0-9_-]{16,128}$/, {
        error: () => 'expected 16 to 128 letters, digits, - and _ that nobody can guess',
      })
      .describe('What the job calls `/ping/TOKEN` with; it can do nothing else. Write it as `${NAME}` or `${file:…}`.'),
    period: duration().default(86_400_000).describe('Time between two runs of the job.'),
    grace: duration()
      .default(3_600_000)
      .describe('A run may be so late, and take so long after `/ping/TOKEN/start`; until then it is degraded.'),
  }),
  run({ token, period, grace }, { clock, memory, subject }) {
    const now = clock.now();
    const state = subject.ping?.(token) ?? null;
    if (!state) {
      const since = memory.get('since') ?? now;
      memory.set('since', since);
      return now - since > period + grace
        ? unhealthy(`no ping in ${formatDuration(now - since)}`)
        : unknown('no ping yet');
    }
    const { startedAt, endedAt, exitCode } = state;
    if (endedAt !== null && exitCode !== 0)
      return unhealthy(
        `the last run failed${exitCode === null ? '' : ` with exit code ${exitCode}`}, ${ago(now - endedAt)}`,
      );
    if (startedAt !== null && now - startedAt > grace)
      return unhealthy(`a run that began ${ago(now - startedAt)} has not told of its end`);
    if (endedAt === null) return unknown('the first run is under way');
    const silent = now - endedAt;
    if (silent > period + grace) return unhealthy(`the last run ended ${ago(silent)}`);
    return silent > period
      ? degraded(`the next run is late: the last one ended ${ago(silent)}`)
      : healthy(`the last run ended ${ago(silent)}`);
  },
});

const ago = (ms: number): string => `${formatDuration(ms)} ago`;

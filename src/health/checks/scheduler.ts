import { z } from 'zod';
import { duration, formatDuration } from '../../units.ts';
import { defineCheck, degraded, healthy, unhealthy, unknown, type CheckContext, type CheckResult } from '../check.ts';
import { isFileState, lookAtFile, unlessWhole } from '../file-probe.ts';
import { askJson, isResult, refusal } from '../json-probe.ts';
import { dig, momentOf } from '../oauth-token.ts';
import { httpUrl } from '../http-probe.ts';

const CONTENT_BYTES = 2 ** 20;

const options = z.strictObject({
  file: z.string().min(1).optional().describe('JSON file in which the scheduler says how it is.'),
  url: httpUrl()
    .optional()
    .describe('Page on which it says so, as JSON; without `file` and `url` its heartbeats do, in their metrics.'),
  queue: z
    .string()
    .min(1)
    .default('queue_length')
    .describe('Name of the number of jobs that wait; dotted for inner ones.'),
  missed: z.string().min(1).default('missed_runs').describe('Name of the number of runs that were missed.'),
  last_run: z
    .string()
    .min(1)
    .default('last_run')
    .describe('Name of the time of the last run: seconds or milliseconds since 1970, or a date as text.'),
  max_queue: z.number().int().min(0).default(100).describe('Waiting jobs above which it is degraded.'),
  max_missed: z.number().int().min(0).default(0).describe('Missed runs above which it is unhealthy.'),
  missed_grows: z
    .boolean()
    .default(false)
    .describe('The number of missed runs only ever grows: what came since the last look is judged.'),
  max_idle: duration().optional().describe('Longest time since the last run; leave it out when jobs are rare.'),
  max_age: duration()
    .default(300_000)
    .describe('What it says may not be older: a scheduler that has died still has its file.'),
  verify_tls: z.boolean().default(true).describe('Refuse certificates that cannot be verified.'),
});
type Limits = z.output<typeof options>;

export const scheduler = defineCheck({
  kind: 'scheduler',
  summary:
    'Healthy while a scheduler of jobs runs them in time: few wait, none was missed, the last run is not long ago.',
  options: options.refine(({ file, url }) => file === undefined || url === undefined, {
    error: () => 'expected `file` or `url`, not both',
  }),
  async run(limits, context) {
    const said = await whatItSays(limits, context);
    return 'source' in said ? judge(said, limits, context) : said;
  },
});

interface Said {
  readonly source: string;
  readonly json: unknown;
}

async function whatItSays(
  { file, url, max_age, verify_tls }: Limits,
  context: CheckContext,
): Promise<Said | CheckResult> {
  const stale = (source: string, ageMs: number) =>
    unhealthy(`${source} says how it was ${formatDuration(ageMs)} ago, longer than ${formatDuration(max_age)}`, 8);
  if (file !== undefined) {
    const found = await lookAtFile(file, CONTENT_BYTES, context);
    if (!isFileState(found)) return found;
    if (found.text.trim() === '') return unknown(`${found.path} is empty`);
    if (found.ageMs > max_age) return stale(found.path, found.ageMs);
    const cut = unlessWhole(found, CONTENT_BYTES);
    if (cut) return cut;
    try {
      return { source: found.path, json: JSON.parse(found.text) };
    } catch {
      return unhealthy(`${found.path} is no JSON`);
    }
  }
  if (url !== undefined) {
    const answer = await askJson({ url, verify_tls }, context);
    if (isResult(answer)) return answer;
    return refusal(answer) ?? { source: answer.shown, json: answer.json };
  }
  const beat = context.subject.heartbeat();
  if (!beat) return unknown('no heartbeat yet that would tell');
  const ageMs = context.clock.now() - beat.at;
  return ageMs > max_age ? stale('the last heartbeat', ageMs) : { source: 'its heartbeat', json: beat.metrics };
}

function judge({ source, json }: Said, limits: Limits, { clock, memory }: CheckContext): CheckResult {
  const number = (name: string) => {
    const value = dig(json, name);
    return typeof value === 'number' && Number.isFinite(value) ? value : null;
  };
  const [queue, missedSoFar] = [number(limits.queue), number(limits.missed)];
  const lastRun = momentOf(dig(json, limits.last_run));
  if (queue === null && missedSoFar === null && lastRun === null)
    return unknown(`${source} tells neither "${limits.queue}" nor "${limits.missed}" nor "${limits.last_run}"`);
  const before = memory.get('missed');
  if (missedSoFar !== null) memory.set('missed', missedSoFar);
  const missed = limits.missed_grows ? newlyMissed(before, missedSoFar) : missedSoFar;
  const idleMs = lastRun === null ? null : Math.max(0, clock.now() - lastRun);
  const told = [
    ...(queue === null ? [] : [`${queue} wait`]),
    ...(missed === null ? [] : [`${missed} missed`]),
    ...(idleMs === null ? [] : [`last run ${formatDuration(idleMs)} ago`]),
  ].join(', ');
  if (limits.max_idle !== undefined && idleMs === null) return unknown(`${source} does not tell "${limits.last_run}"`);
  if (limits.max_idle !== undefined && (idleMs ?? 0) > limits.max_idle) return unhealthy(told, 8);
  if ((missed ?? 0) > limits.max_missed) return unhealthy(told);
  return (queue ?? 0) > limits.max_queue ? degraded(told) : healthy(told);
}

/** A smaller number than before is that of a scheduler that has begun anew. */
function newlyMissed(before: number | undefined, now: number | null): number | null {
  if (now === null) return null;
  return before === undefined ? 0 : now < before ? now : now - before;
}

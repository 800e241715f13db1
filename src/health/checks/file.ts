import { z } from 'zod';
import { duration, formatDuration, formatSize, size } from '../../units.ts';
import { defineCheck, healthy, unhealthy, unknown, type CheckResult } from '../check.ts';
import { isFileState, lookAtFile } from '../file-probe.ts';

const CONTENT_BYTES = 2 ** 20;

const options = z.strictObject({
  path: z.string().min(1).describe('Path of the file.'),
  max_age: duration().optional().describe('Longest time since it was last written.'),
  since_start: z
    .boolean()
    .default(false)
    .describe(
      'Only what was written in the current life of the component counts: for a file that a program touches as its heartbeat. Needs `max_age`, which is also the time until the first touch.',
    ),
  min_size: size()
    .optional()
    .describe('Smallest size; without it and without `max_age`, an empty file tells nothing: unknown.'),
  max_size: size().optional().describe('Largest size.'),
  contains: z.string().min(1).optional().describe('Text that must be in its first MiB.'),
  matches: z
    .string()
    .min(1)
    .refine(isPattern, { error: () => 'expected a regular expression' })
    .optional()
    .describe('Regular expression that its first MiB must match; `^` and `$` stand for begin and end of a line.'),
});

export const file = defineCheck({
  kind: 'file',
  summary: 'Healthy while a file is there, fresh, of the expected size and with the expected content.',
  options: options.refine(({ since_start, max_age }) => !since_start || max_age !== undefined, {
    error: () => '`since_start` needs `max_age`',
  }),
  async run(asked, context) {
    const { path, max_age, since_start, contains, matches } = asked;
    const reads = contains !== undefined || matches !== undefined;
    const found = await lookAtFile(path, reads ? CONTENT_BYTES : 0, context);
    const startedAt = since_start ? context.subject.startedAt() : null;
    const lifeMs = startedAt === null ? null : context.clock.now() - startedAt;
    if (max_age !== undefined && lifeMs !== null && (!isFileState(found) || found.writtenAt < (startedAt ?? 0)))
      return unwritten(path, lifeMs, max_age);
    if (!isFileState(found)) return found;
    const { sizeBytes, ageMs, text } = found;
    if (max_age !== undefined && ageMs > max_age)
      return unhealthy(
        `${found.path} was written ${formatDuration(ageMs)} ago, longer than ${formatDuration(max_age)}`,
        8,
      );
    if (asked.min_size !== undefined && sizeBytes < asked.min_size)
      return unhealthy(`${found.path} has ${formatSize(sizeBytes)}, less than ${formatSize(asked.min_size)}`);
    if (asked.max_size !== undefined && sizeBytes > asked.max_size)
      return unhealthy(`${found.path} has ${formatSize(sizeBytes)}, more than ${formatSize(asked.max_size)}`);
    if (contains !== undefined && !text.includes(contains))
      return unhealthy(`${found.path} does not contain "${contains}"`);
    if (matches !== undefined && !new RegExp(matches, 'mu').test(text))
      return unhealthy(`${found.path} does not match /${matches}/`);
    if (sizeBytes === 0 && asked.min_size === undefined && max_age === undefined)
      return unknown(`${found.path} is there, but empty`);
    return healthy(`${found.path}: ${formatSize(sizeBytes)}, written ${formatDuration(ageMs)} ago`);
  },
});

/** As with a heartbeat: the first one is waited for. */
function unwritten(path: string, lifeMs: number, max_age: number): CheckResult {
  const sentence = `${path} has not been written in the ${formatDuration(lifeMs)} since the start`;
  return lifeMs > max_age ? unhealthy(sentence, 8) : unknown(sentence);
}

function isPattern(text: string): boolean {
  try {
    return Boolean(new RegExp(text, 'mu'));
  } catch {
    return false;
  }
}

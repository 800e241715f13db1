import { z } from 'zod';
import { duration, formatDuration } from '../../units.ts';
import { defineCheck, healthy, unhealthy, unknown, type CheckContext, type CheckResult } from '../check.ts';
import { isFileState, lookAtFile, unlessWhole } from '../file-probe.ts';
import { dig } from '../oauth-token.ts';

const CONTENT_BYTES = 2 ** 20;

const options = z.strictObject({
  files: z
    .array(z.string().min(1))
    .min(1)
    .describe(
      'Files that make up the identity and what is known of its user, such as IDENTITY.md, USER.md, identity.json.',
    ),
  required: z
    .array(z.string().min(1))
    .default([])
    .describe('Fields that each JSON file among them must have, not empty; dotted for inner ones, as in `user.name`.'),
  max_age: duration()
    .optional()
    .describe('Longest time since the newest of them was written, for an identity that is stored again and again.'),
});

export const identity = defineCheck({
  kind: 'identity',
  summary: 'Healthy while the files of an identity are there, readable, not empty and, when asked for, fresh.',
  options,
  async run({ files, required, max_age }, context) {
    const found = await Promise.all(files.map((path) => persisted(path, required, context)));
    const bad = found.filter((one): one is CheckResult => 'status' in one);
    const worst = bad.find(({ status }) => status === 'unhealthy') ?? bad[0];
    if (worst) return worst;
    const ageMs = Math.min(...found.map((one) => ('ageMs' in one ? one.ageMs : Infinity)));
    if (max_age !== undefined && ageMs > max_age)
      return unhealthy(`the identity was stored ${formatDuration(ageMs)} ago, longer than ${formatDuration(max_age)}`);
    return healthy(`${files.length} file${files.length === 1 ? '' : 's'}, the newest ${formatDuration(ageMs)} old`);
  },
});

async function persisted(
  given: string,
  required: readonly string[],
  context: CheckContext,
): Promise<{ readonly ageMs: number } | CheckResult> {
  const found = await lookAtFile(given, CONTENT_BYTES, context);
  if (!isFileState(found)) return found;
  const { path, text, ageMs } = found;
  if (text.trim() === '') return unknown(`${path} is empty`);
  if (!path.endsWith('.json')) return { ageMs };
  const cut = unlessWhole(found, CONTENT_BYTES);
  if (cut) return cut;
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json !== 'object' || json === null || Object.keys(json).length === 0)
      return unknown(`${path} holds nothing`);
    const missing = required.filter((name) => [undefined, null, ''].includes(dig(json, name) as undefined));
    return missing.length === 0 ? { ageMs } : unhealthy(`${path} lacks ${missing.join(', ')}`);
  } catch {
    return unhealthy(`${path} is no JSON: it was cut off, or overwritten`, 8);
  }
}

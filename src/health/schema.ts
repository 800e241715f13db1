import { z } from 'zod';
import { duration } from '../units.ts';
import { checks } from './checks/index.ts';

export const intervalsSchema = z
  .strictObject({
    critical: duration().default(5_000),
    standard: duration().default(30_000),
    extended: duration().default(300_000),
  })
  .describe('Named intervals that checks refer to.');
export type Intervals = z.output<typeof intervalsSchema>;

export const startSchema = z
  .strictObject({
    timeout: duration().default(30_000).describe('Verified healthy within this time, or the start has failed.'),
    period: duration().default(10_000).describe('Failing checks do not count so soon after a start.'),
  })
  .describe('How long a start may take.');
export type StartPolicy = z.output<typeof startSchema>;

const common = {
  interval: z
    .union([z.enum(['critical', 'standard', 'extended']), duration()])
    .default('standard')
    .describe('Time between two runs: critical, standard, extended or a duration.'),
  timeout: duration().default(5_000).describe('A run that takes longer is a failure of its own kind: timeout.'),
  failure_threshold: z
    .number()
    .int()
    .min(1)
    .default(3)
    .describe('Failures in a row before it acts; one critical result acts at once.'),
  success_threshold: z
    .number()
    .int()
    .min(1)
    .default(1)
    .describe('Successes in a row before a failing check counts as well again.'),
  enabled: z.boolean().default(true),
  severity: z
    .number()
    .int()
    .min(0)
    .max(10)
    .optional()
    .describe('Severity of a failure, 0–10; default: what the check itself says.'),
  action: z.enum(['restart', 'none']).default('restart').describe('What is asked for when it has failed often enough.'),
} as const;

const byKind = Object.fromEntries(
  [...checks].map((check) => [check.kind, check.options.describe(check.summary).optional()]),
);

/** Kinds that ask what only Windows has: refused with a word on what to use, rather than unknown for ever. */
const ofWindows: Readonly<Record<string, string>> = {
  windows_services: '`systemd_unit` asks for services here',
  windows_update: '`pending_reboot` tells of updates that wait for a restart here',
  antivirus: 'a `process` or `systemd_unit` check can watch one here',
};

/** Undefined: nothing of Windows is among them, and the usual sentence will do. */
function notHere(keys: readonly string[]): string | undefined {
  if (!keys.some((key) => Object.hasOwn(ofWindows, key))) return undefined;
  const sentence = (key: string) =>
    Object.hasOwn(ofWindows, key)
      ? `the check "${key}" is not there on this system; ${ofWindows[key]}`
      : `unknown key "${key}"`;
  return keys.map(sentence).join('\n');
}

/** `NAME: { KIND: options, interval, timeout, … }` with exactly one kind. */
export const checkSchema = z
  .strictObject(
    { ...byKind, ...common },
    { error: (issue) => (issue.code === 'unrecognized_keys' ? notHere(issue.keys) : undefined) },
  )
  .transform((entry, context) => {
    const given = checks.kinds.filter((kind) => (entry as Record<string, unknown>)[kind] !== undefined);
    const [kind] = given;
    if (kind === undefined || given.length > 1) {
      context.issues.push({
        code: 'custom',
        input: entry,
        message: `expected exactly one kind of check (${checks.kinds.join(', ')}), got ${given.length === 0 ? 'none' : given.join(' and ')}`,
      });
      return z.NEVER;
    }
    const { interval, timeout, failure_threshold, success_threshold, enabled, severity, action } = entry;
    const options: unknown = (entry as Record<string, unknown>)[kind];
    return {
      kind,
      options,
      interval,
      timeout,
      failure_threshold,
      success_threshold,
      enabled,
      severity: severity ?? null,
      action,
    };
  });

/** One configured check; `options` are those of its kind, already parsed. */
export type CheckPlan = z.output<typeof checkSchema>;
export const checksSchema = z
  .record(
    z.string().regex(/^[a-zA-Z0-9_-]{1,40}$/, {
      error: () => 'expected a name of letters, digits, _ and - (at most 40)',
    }),
    checkSchema,
  )
  .default({});

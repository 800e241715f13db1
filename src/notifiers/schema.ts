import { z } from 'zod';
import { secretPaths } from '../secret-paths.ts';
import { duration } from '../units.ts';

export const occasions = [
  'crash',
  'failed',
  'restart',
  'incident.info',
  'incident.low',
  'incident.medium',
  'incident.high',
  'incident.critical',
  'incident.resolved',
] as const;
/** What a target is told of. */
export type Occasion = (typeof occasions)[number];

const on = z
  .array(z.enum(occasions))
  .min(1)
  .default(['crash', 'failed', 'incident.critical'])
  .describe(
    'What it is told of: `crash`, `failed` (given up), `restart` (of components with `notify_on_restart`), `incident.SEVERITY` (opened with, or risen to, this severity or a worse one), `incident.resolved`.',
  );

const webhookSchema = z.strictObject({
  url: z
    .url({ protocol: /^https?$/ })
    .describe('Where each notification is posted as JSON.')
    .register(secretPaths, { secret: 'path' }),
  on,
  secret: z
    .string()
    .min(8)
    .optional()
    .describe(
      'Signs each post: `X-Paramedic-Signature: sha256=HEX` over `TIMESTAMP:BODY`. Write it as `${NAME}` or `${file:…}`.',
    ),
  headers: z.record(z.string(), z.string()).default({}).describe('Headers sent with each post.'),
  timeout: duration().default(10_000).describe('Time for one answer.'),
  verify_tls: z.boolean().default(true).describe('Refuse certificates that cannot be verified.'),
});
export type WebhookTarget = z.output<typeof webhookSchema>;

const emailSchema = z.strictObject({
  smtp: z
    .url({ protocol: /^smtps?$/ })
    .describe(
      'Mail server, `smtps://USER:PASSWORD@HOST` or `smtp://HOST:587` (STARTTLS when it is offered). Write it, or its password, as `${NAME}`.',
    ),
  from: z.string().min(3).describe('Sender.'),
  to: z.array(z.string().min(3)).min(1).describe('Receivers.'),
  on,
  timeout: duration().default(30_000).describe('Time for one mail.'),
  verify_tls: z.boolean().default(true).describe('Refuse certificates that cannot be verified.'),
});
export type EmailTarget = z.output<typeof emailSchema>;

export const notificationsSchema = z
  .strictObject({
    webhooks: z
      .array(webhookSchema)
      .refine((all) => new Set(all.map(({ url }) => url)).size === all.length, {
        error: () => 'two webhooks have the same address: name it once, with all that it is told of',
      })
      .default([])
      .describe('Pages that are told.'),
    email: emailSchema.optional().describe('People who are told by mail.'),
    fold: duration()
      .default(300_000)
      .describe('Crashes like one that was told of so shortly before are counted and told of together.'),
    max_age: duration()
      .default(86_400_000)
      .refine((ms) => ms <= 7 * 86_400_000, { error: () => 'expected at most 7d: events are kept no longer' })
      .describe('What could not be delivered for this long is dropped and counted; at most 7d.'),
  })
  .describe('Who is told of crashes and incidents, and where.');
export type NotificationPolicy = z.output<typeof notificationsSchema>;

import type { Clock } from '../clock.ts';
import { sentenceOf } from '../errors.ts';
import type { Target } from './courier.ts';
import type { Mailer } from './email.ts';
import type { Letter } from './letter.ts';
import type { Notification } from './notification.ts';
import type { EmailTarget, WebhookTarget } from './schema.ts';
import { post, shownWebhook } from './webhook.ts';

/** Writes a letter out, when it is about to be sent. Never rejects. */
export type Compose = (letter: Letter) => Promise<Notification>;

export const webhookTarget = (webhook: WebhookTarget, compose: Compose, clock: Clock): Target => ({
  shown: shownWebhook(webhook),
  deliver: async (letter) => post(webhook, await compose(letter), clock),
  close: () => undefined,
});

/** The mailer is loaded with the first mail. */
export function emailTarget(email: EmailTarget, compose: Compose): Target {
  let mailer: Mailer | undefined;
  return {
    shown: new URL(email.smtp).host,
    async deliver(letter) {
      try {
        mailer ??= (await import('./email.ts')).createMailer(email);
      } catch (error) {
        return { kind: 'away', why: sentenceOf(error), retryAfterMs: null };
      }
      return mailer.mail(await compose(letter));
    },
    close: () => mailer?.close(),
  };
}

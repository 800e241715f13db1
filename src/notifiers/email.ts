import { createTransport } from 'nodemailer';
import { sentenceOf } from '../errors.ts';
import type { Receipt } from './courier.ts';
import type { Notification } from './notification.ts';
import type { EmailTarget } from './schema.ts';

/*
 * The only home of nodemailer, loaded with the first mail and not before.
 */

export interface Mailer {
  /** Never rejects. */
  mail(notification: Notification): Promise<Receipt>;
  close(): void;
}

export function createMailer({ smtp, from, to, timeout, verify_tls }: EmailTarget): Mailer {
  const transport = createTransport(
    {
      url: smtp,
      connectionTimeout: timeout,
      greetingTimeout: timeout,
      socketTimeout: timeout,
      tls: { rejectUnauthorized: verify_tls },
      disableFileAccess: true,
      disableUrlAccess: true,
    },
    { from, to: [...to] },
  );
  return {
    async mail(notification) {
      const { id, host, severity, title } = notification;
      try {
        await transport.sendMail({
          // The same whenever it is sent: mail programs show such a mail once.
          messageId: `<${id}@paramedic.${host}>`,
          subject: `[${severity}] ${title} (${host})`,
          text: textOf(notification),
          headers: { 'X-Paramedic-Id': id, 'Auto-Submitted': 'auto-generated' },
        });
        return { kind: 'accepted' };
      } catch (error) {
        return receiptOf(error);
      }
    },
    close: () => transport.close(),
  };
}

/** A server that refuses this mail for good; who may not log in may be let in later. */
function receiptOf(error: unknown): Receipt {
  const { code, responseCode = 0 } = error as { code?: string; responseCode?: number };
  const final = responseCode >= 500 && (code === 'EENVELOPE' || code === 'EMESSAGE');
  const why = responseCode > 0 ? `${code} ${responseCode}` : sentenceOf(error);
  return final ? { kind: 'lost', why } : { kind: 'away', why, retryAfterMs: null };
}

function textOf({ report, ...rest }: Notification): string {
  const lines = Object.entries({ ...rest, version: undefined })
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([name, value]) => `${name}: ${String(value)}`);
  const stack = (report as { stack_trace?: unknown } | null | undefined)?.stack_trace;
  const detail = typeof stack === 'string' ? ['', stack] : [];
  const whole = report === null || report === undefined ? [] : ['', 'Crash report:', JSON.stringify(report, null, 2)];
  return [...lines, ...detail, ...whole, ''].join('\n');
}

import { createHmac } from 'node:crypto';
import { request as plain } from 'node:http';
import { request as secure } from 'node:https';
import type { Clock } from '../clock.ts';
import { sentenceOf } from '../errors.ts';
import type { Receipt } from './courier.ts';
import type { Notification } from './notification.ts';
import type { WebhookTarget } from './schema.ts';

/** What such an answer says, it says of this one body; any other refusal may be put right by a person. */
const REFUSED = new Set([400, 413, 415, 422]);

/** Only the origin: addresses of webhooks are often secrets themselves. */
export const shownWebhook = ({ url }: Pick<WebhookTarget, 'url'>): string => new URL(url).origin;

/** HMAC-SHA-256 over `TIMESTAMP:BODY`, as our own `POST /webhooks/action` asks for. */
export const signatureOf = (secret: string, timestamp: string, body: string): string =>
  `sha256=${createHmac('sha256', secret).update(`${timestamp}:${body}`).digest('hex')}`;

/** Posts one notification. Never rejects. */
export async function post(
  { url, secret, headers, timeout, verify_tls }: WebhookTarget,
  notification: Notification,
  clock: Pick<Clock, 'now'>,
): Promise<Receipt> {
  const body = JSON.stringify(notification);
  const timestamp = String(Math.floor(clock.now() / 1_000));
  const all = {
    'user-agent': 'paramedic',
    ...headers,
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    'idempotency-key': notification.id,
    'x-paramedic-timestamp': timestamp,
    ...(secret === undefined ? {} : { 'x-paramedic-signature': signatureOf(secret, timestamp, body) }),
  };
  try {
    return receiptOf(await send(url, { headers: all, body, timeout, verify_tls }));
  } catch (error) {
    return { kind: 'away', why: sentenceOf(error), retryAfterMs: null };
  }
}

interface Answered {
  readonly status: number;
  readonly retryAfter: string | undefined;
}

function receiptOf({ status, retryAfter }: Answered): Receipt {
  if (status >= 200 && status < 300) return { kind: 'accepted' };
  const why = `it answered ${status}`;
  if (REFUSED.has(status)) return { kind: 'lost', why };
  const seconds = Number(retryAfter ?? Number.NaN);
  return { kind: 'away', why, retryAfterMs: Number.isFinite(seconds) ? seconds * 1_000 : null };
}

function send(
  url: string,
  {
    headers,
    body,
    timeout,
    verify_tls,
  }: { headers: Record<string, string>; body: string; timeout: number; verify_tls: boolean },
): Promise<Answered> {
  const signal = AbortSignal.timeout(timeout);
  const options = { method: 'POST', headers, signal, agent: false as const };
  return new Promise((resolve, reject) => {
    const sent = url.startsWith('https:')
      ? secure(url, { ...options, rejectUnauthorized: verify_tls })
      : plain(url, options);
    sent.on('error', (error) =>
      reject(signal.aborted ? new Error('it did not answer in time', { cause: error }) : error),
    );
    // The status is the answer: what else is said is heard out, but not waited for.
    sent.once('response', (answer) => {
      resolve({ status: answer.statusCode ?? 0, retryAfter: answer.headers['retry-after'] });
      answer.on('error', () => undefined).resume();
    });
    sent.end(body);
  });
}

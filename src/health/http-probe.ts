import { request as plain } from 'node:http';
import { z } from 'zod';

const MAX_REDIRECTS = 5;
const MAX_BODY_BYTES = 2 ** 20;

export interface Question {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly follow_redirects: boolean;
  readonly verify_tls: boolean;
  readonly readBody: boolean;
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly status: number;
  /** Empty unless asked for. */
  readonly body: string;
}

/** An option that is the address of an HTTP server. */
export const httpUrl = () => z.url({ protocol: /^https?$/ });

/** The address without what may be secret in it. */
export function showUrl(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}

/**
 * One request on a connection of its own: a pooled one would go on answering after the listener has gone.
 * Rejects when there is no answer.
 */
export async function ask(question: Question, redirects = 0): Promise<Answer> {
  const { status, location, body } = await once(question);
  if (!question.follow_redirects || location === undefined || status < 300 || status >= 400) return { status, body };
  if (redirects === MAX_REDIRECTS) throw new Error(`more than ${MAX_REDIRECTS} redirects`);
  const url = new URL(location, question.url);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new Error(`redirected to ${url.protocol}`);
  const keeps = status === 307 || status === 308 || question.method === 'HEAD';
  const elsewhere = url.origin !== new URL(question.url).origin;
  if (elsewhere && keeps && question.body !== '') throw new Error(`redirected to another server, ${url.origin}`);
  const next = {
    ...question,
    url: url.href,
    ...(keeps ? {} : { method: 'GET', body: '' }),
    // What was meant for one server is not shown to another.
    ...(elsewhere ? { headers: {} } : {}),
  };
  return ask(next, redirects + 1);
}

async function once(question: Question): Promise<Answer & { readonly location: string | undefined }> {
  const { method, signal, body } = question;
  const url = new URL(question.url);
  // With TLS, Node parses the certificates of every authority there is: two megabytes, for those who use it.
  const secure = url.protocol === 'https:' ? (await import('node:https')).request : null;
  const headers: Record<string, string> = { 'user-agent': 'paramedic', ...question.headers };
  const options = { method, headers, signal, agent: false as const };
  return new Promise((resolve, reject) => {
    const sent = secure ? secure(url, { ...options, rejectUnauthorized: question.verify_tls }) : plain(url, options);
    sent.once('error', reject);
    sent.once('response', (answer) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      const done = () => {
        const text = Buffer.concat(chunks).subarray(0, MAX_BODY_BYTES).toString('utf8');
        resolve({ status: answer.statusCode ?? 0, location: answer.headers.location, body: text });
        sent.destroy();
      };
      answer.once('error', reject);
      answer.once('end', done);
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (question.readBody) chunks.push(chunk);
        if (bytes > MAX_BODY_BYTES) done();
      });
    });
    sent.end(body === '' ? undefined : body);
  });
}

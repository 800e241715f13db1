import { Agent, request, type IncomingMessage } from 'node:http';
import type { Clock } from '../clock.ts';
import { ClientError, isPassing } from './client-error.ts';

export interface TransportOptions {
  readonly url: string;
  readonly token: string;
  /** Speaks for this one in place of the token's own; null: for itself. */
  readonly onBehalfOf: string | null;
  readonly clock: Clock;
}

const FIRST_DELAY_MS = 50;
const LONGEST_DELAY_MS = 1_000;
const ATTEMPT_MS = 15_000;
/** The daemon beats every 15 s: a stream that is silent for so long leads nowhere. */
const SILENT_MS = 60_000;

/** JSON over HTTP to the daemon, over a few connections that are kept open. An idle one keeps no process alive. */
export function createTransport({ url, token, onBehalfOf, clock }: TransportOptions) {
  const base = new URL(url);
  if (base.protocol !== 'http:') throw new ClientError('USAGE', `PARAMEDIC_URL must begin with http://, got "${url}"`);
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  const target = { host: base.hostname.replace(/^\[|\]$/g, ''), port: base.port || 80 };
  const authorization = `Bearer ${token}`;
  const speaker = onBehalfOf === null ? [] : [`component=${encodeURIComponent(onBehalfOf)}`];
  /** @param path may have a query of its own. */
  const addressOf = (path: string, ...more: readonly string[]): string => {
    const query = [...speaker, ...more].join('&');
    return `/component/v1/${path}${query === '' ? '' : path.includes('?') ? '&' : '?'}${query}`;
  };

  /** One attempt, answered within `timeoutMs`. Rejects with a ClientError when the daemon said no. */
  function attempt(method: string, path: string, body?: string, timeoutMs = ATTEMPT_MS): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const headers: Record<string, string | number> = { authorization };
      if (body !== undefined) {
        headers['content-type'] = 'application/json';
        headers['content-length'] = Buffer.byteLength(body);
      }
      const asked = request({ ...target, agent, method, headers, path: addressOf(path) }, (answer) =>
        resolve(read(answer)),
      );
      const timer = setTimeout(() => asked.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
      asked.on('error', reject);
      asked.on('close', () => clearTimeout(timer));
      asked.end(body);
    });
  }

  /**
   * An answer that does not end, on a connection of its own that keeps no process alive (`fetch` has none such).
   * Rejects with a ClientError when the daemon said no.
   * @param what of the query, after whom we speak for.
   */
  function open(path: string, what: string): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const options = { ...target, agent: false, timeout: SILENT_MS, headers: { authorization } };
      const asked = request({ ...options, path: addressOf(path, what) }, (answer) => {
        if (answer.statusCode === 200) resolve(answer);
        else read(answer).then(() => reject(new Error(`answered ${answer.statusCode}`)), reject);
      });
      asked.on('socket', (socket) => socket.unref());
      asked.on('timeout', () => asked.destroy(new Error(`silent for ${SILENT_MS} ms`)));
      asked.on('error', reject);
      asked.end();
    });
  }

  /**
   * Attempts until an answer that is final, or until `until` on the monotonic clock; at least once.
   * Rejects with the daemon's refusal, or DAEMON_AWAY.
   */
  async function call(method: string, path: string, body: string | undefined, until: number): Promise<unknown> {
    for (let delayMs = FIRST_DELAY_MS; ; delayMs = Math.min(delayMs * 2, LONGEST_DELAY_MS)) {
      try {
        return await attempt(method, path, body, Math.max(1, Math.min(ATTEMPT_MS, until - clock.monotonic())));
      } catch (error) {
        if (!isPassing(error)) throw error;
        const waitMs = delayMs * (0.5 + Math.random() / 2);
        if (clock.monotonic() + waitMs >= until) throw error instanceof ClientError ? error : away(error as Error);
        await clock.sleep(waitMs);
      }
    }
  }

  const away = (cause: Error) =>
    new ClientError('DAEMON_AWAY', `Paramedic does not answer at ${url}: ${cause.message}`, { cause });

  return { attempt, call, open, close: () => agent.destroy() };
}

async function read(answer: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  const status = answer.statusCode ?? 0;
  if (status >= 200 && status < 300) return text === '' ? null : JSON.parse(text);
  const { code, detail } = problemOf(text);
  throw new ClientError(code ?? `HTTP_${status}`, detail ?? `The daemon answered ${status}.`, { status });
}

function problemOf(text: string): { code?: string; detail?: string } {
  try {
    const { code, detail } = (JSON.parse(text) ?? {}) as { code?: unknown; detail?: unknown };
    return { ...(typeof code === 'string' && { code }), ...(typeof detail === 'string' && { detail }) };
  } catch {
    return {};
  }
}

import { sentenceOf } from '../errors.ts';
import { degraded, unhealthy, type CheckContext, type CheckResult } from './check.ts';
import { ask, showUrl } from './http-probe.ts';

export interface JsonQuestion {
  readonly url: string;
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly verify_tls: boolean;
}

/** What a service has answered. */
export interface JsonAnswer {
  readonly status: number;
  /** undefined: it was no JSON. */
  readonly json: unknown;
  readonly text: string;
  readonly ms: number;
  /** The question as it may be shown: no query, no password. */
  readonly shown: string;
}

/**
 * Asks a service and reads its answer as JSON. Never rejects: no answer is an unhealthy result.
 * Neither the answer nor what was sent is in any message: both may hold secrets.
 */
export async function askJson(
  question: JsonQuestion,
  { clock, signal }: Pick<CheckContext, 'clock' | 'signal'>,
): Promise<JsonAnswer | CheckResult> {
  const { url, method = 'GET', headers = {}, body = '', verify_tls } = question;
  const shown = `${method} ${showUrl(url)}`;
  const started = clock.monotonic();
  try {
    const whole = { url, method, body, verify_tls, signal, follow_redirects: true, readBody: true };
    const answer = await ask({ ...whole, headers: { accept: 'application/json', ...headers } });
    const ms = Math.round(clock.monotonic() - started);
    return { status: answer.status, json: parsed(answer.body), text: answer.body, ms, shown };
  } catch (error) {
    return unhealthy(`${shown} failed: ${sentenceOf(error)}`);
  }
}

export const isResult = (answer: JsonAnswer | CheckResult): answer is CheckResult => 'message' in answer;

/** What a status means to every such service; null: it is a 2xx. */
export function refusal({ status, shown }: JsonAnswer): CheckResult | null {
  if (status >= 200 && status < 300) return null;
  if (status === 401 || status === 403) return unhealthy(`${shown} answered ${status}: the credentials are refused`, 8);
  if (status === 429) return degraded(`${shown} answered 429: too many requests`);
  return unhealthy(`${shown} answered ${status}, expected a 2xx`);
}

/** A field of an answer; undefined when there is none. */
export const field = (json: unknown, name: string): unknown =>
  typeof json === 'object' && json !== null ? (json as Record<string, unknown>)[name] : undefined;

/** `BASE/PATH`, however the base ends. */
export const under = (base: string, path: string): string => `${base.replace(/\/+$/, '')}${path}`;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished } from 'vitest';
import type { Check, CheckResult } from '../../src/health/index.ts';
import { closeServer } from '../support/close-server.ts';
import { context } from './context.ts';

/** A server on a port of its own until the test has finished. @returns its address. */
export async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => closeServer(server));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export interface PageAnswer {
  readonly status: number;
  readonly json?: unknown;
  readonly text?: string;
}
export type Page = Readonly<Record<string, unknown>> | ((request: IncomingMessage, body: string) => PageAnswer);

/** Answers each path with its page: JSON, or what the page makes of the request; 404 for others. */
export const site =
  (pages: Record<string, Page>): RequestListener =>
  (request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const page = pages[(request.url ?? '').split('?')[0] ?? ''];
      if (page === undefined) return response.writeHead(404).end('{}');
      const answer: PageAnswer = typeof page === 'function' ? page(request, body) : { status: 200, json: page };
      response.writeHead(answer.status).end(answer.text ?? JSON.stringify(answer.json));
    });
  };

export const answer =
  (status: number, json: unknown = {}) =>
  (): PageAnswer => ({ status, json });

/** Runs a check as the monitor does: its options parsed, one memory over all runs of a life. */
export const runCheck = (
  check: Check,
  options: unknown,
  overrides: Parameters<typeof context>[0] = {},
): Promise<CheckResult> => Promise.resolve(check.run(check.options.parse(options), context(overrides)));

/** Nobody answers, then somebody who never ends: what every check over HTTP says of it. */
export async function expectAbsentAndSlow(check: Check, optionsFor: (url: string) => unknown): Promise<void> {
  const absent = await runCheck(check, optionsFor('http://127.0.0.1:1'));
  expect(absent).toMatchObject({ status: 'unhealthy', message: expect.stringContaining('ECONNREFUSED') });
  let asked = () => {};
  const arrived = new Promise<void>((resolve) => (asked = resolve));
  const url = await serve(() => asked());
  const abort = new AbortController();
  const result = runCheck(check, optionsFor(url), { signal: abort.signal });
  await arrived;
  abort.abort(new Error('too late'));
  expect(await result).toMatchObject({ status: 'unhealthy' });
}

import type { ErrorRequestHandler } from 'express';
import { STATUS_CODES } from 'node:http';
import { failure, ParamedicError, sentenceOf } from '../errors.ts';

/** An RFC 9457 problem, with the code of the error catalogue. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
}

/** Hears of what nobody expected; `where` is method and path, without the query. */
export type OnError = (error: unknown, where: string) => void;

const problem = (status: number, code: string, detail: string): Problem => ({
  type: `urn:paramedic:error:${code}`,
  title: STATUS_CODES[status] ?? 'Error',
  status,
  detail,
  code,
});

/** The router rejects a path that is not percent-encoded UTF-8 with an error of its own. */
const isBadPath = (error: unknown): boolean =>
  error instanceof URIError || (error instanceof Error && 'status' in error && error.status === 400);

/** What the one who asked is told; undefined: nobody expected this, its words stay inside. */
export function toProblem(error: unknown): Problem | undefined {
  if (error instanceof ParamedicError) return problem(error.http, error.code, error.message);
  return isBadPath(error) ? toProblem(failure('BODY_INVALID', { path: 'path', why: sentenceOf(error) })) : undefined;
}

/** Answers every error as application/problem+json. */
export function answerProblems(onError: OnError): ErrorRequestHandler {
  // Four parameters are what tells an error handler from the others.
  return (error: unknown, request, response, _next) => {
    const expected = toProblem(error);
    if (!expected) onError(error, `${request.method} ${request.baseUrl}${request.path}`);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const answer = expected ?? problem(500, 'INTERNAL', "Something unexpected failed; the daemon's log says what.");
    if (answer.status === 503) response.setHeader('retry-after', '1');
    response.status(answer.status).type('application/problem+json').send(JSON.stringify(answer));
  };
}

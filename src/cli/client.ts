import { resolve } from 'node:path';
import { errorCodes, failure, ParamedicError, sentenceOf, systemCode, type ErrorCode } from '../errors.ts';
import { readApiToken, readDaemonFile } from './daemon-file.ts';
import { configFile, type Where } from './options.ts';

/** Talks to one daemon. Every method rejects with the daemon's own error, or NO_DAEMON when it has gone. */
export interface Client {
  readonly stateDir: string;
  readonly pid: number;
  readonly url: string;
  /** @param path below `/api/v1`. The daemon is of our own version: its answer is taken as it is. */
  get<T>(path: string): Promise<T>;
  /** The same as it is sent: JSON that is not parsed. */
  text(path: string): Promise<string>;
  post<T>(path: string, body?: object): Promise<T>;
  put<T>(path: string, body: object): Promise<T>;
  /** An answer that does not end: server-sent events, resumed after `lastId`. */
  stream(path: string, lastId?: number): Promise<Response>;
}

interface Problem {
  readonly code?: unknown;
  readonly detail?: unknown;
}

const isErrorCode = (code: unknown): code is ErrorCode => errorCodes.some((row) => row.code === code);

/** The error that the daemon answered with; its sentence is already one for people. */
async function errorFrom(response: Response): Promise<Error> {
  const text = await response.text();
  let problem: Problem = {};
  try {
    problem = JSON.parse(text) as Problem;
  } catch {
    // Not ours: something between us and the daemon answered.
  }
  const detail = typeof problem.detail === 'string' ? problem.detail : `The daemon answered ${response.status}.`;
  return isErrorCode(problem.code) ? new ParamedicError(problem.code, detail) : new Error(detail);
}

/** What `fetch` hides: the reason is in the cause, or in the first of its causes. */
function networkCode(error: unknown): string | undefined {
  const cause = error instanceof Error ? error.cause : undefined;
  return systemCode(cause instanceof AggregateError ? cause.errors[0] : cause);
}

const GONE: readonly (string | undefined)[] = ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'EHOSTUNREACH'];

function explain(error: unknown, stateDir: string): Error {
  const code = networkCode(error);
  if (GONE.includes(code)) return failure('NO_DAEMON', { folder: stateDir }, { cause: error });
  if (code === 'UND_ERR_HEADERS_TIMEOUT')
    return new Error(
      'No answer within five minutes; the daemon goes on with it. `paramedic status` shows how far it is.',
    );
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return new Error(`The daemon could not be reached: ${sentenceOf(cause)}.`, { cause: error });
}

/** The state folder that the options mean, absolute. Reads the configuration file only when it must. */
export async function stateDirFor(where: Where): Promise<string> {
  if (where.stateDir !== undefined) return resolve(where.stateDir);
  const { stateDirOf } = await import('../config/source.ts');
  return stateDirOf(configFile(where));
}

/** Finds the daemon of a state folder. @throws NO_DAEMON */
export function clientOf(stateDir: string): Client {
  const daemon = readDaemonFile(stateDir);
  if (!daemon) throw failure('NO_DAEMON', { folder: stateDir });
  const token = readApiToken(stateDir);

  const call = async (
    path: string,
    init: { method?: string; body?: string; headers?: Record<string, string> } = {},
  ) => {
    const headers = { authorization: `Bearer ${token}`, ...init.headers };
    let response: Response;
    try {
      response = await fetch(new URL(`/api/v1${path}`, daemon.url), { ...init, headers });
    } catch (error) {
      throw explain(error, stateDir);
    }
    if (!response.ok) throw await errorFrom(response);
    return response;
  };
  const read = async <T>(response: Response, as: (response: Response) => Promise<T>): Promise<T> => {
    try {
      return await as(response);
    } catch (error) {
      throw explain(error, stateDir);
    }
  };
  const send = (method: string, path: string, body: object) =>
    call(path, { method, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });
  const json = <T>(response: Response) => read(response, (whole) => whole.json() as Promise<T>);
  return {
    stateDir,
    ...daemon,
    get: async (path) => json(await call(path)),
    text: async (path) => read(await call(path), (whole) => whole.text()),
    post: async (path, body = {}) => json(await send('POST', path, body)),
    put: async (path, body) => json(await send('PUT', path, body)),
    stream: (path, lastId) =>
      call(path, {
        headers: { accept: 'text/event-stream', ...(lastId !== undefined && { 'last-event-id': String(lastId) }) },
      }),
  };
}

/** The daemon that the options mean. @throws NO_DAEMON, CONFIG_INVALID */
export const connect = async (where: Where): Promise<Client> => clientOf(await stateDirFor(where));

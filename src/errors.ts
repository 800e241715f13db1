import { formatDuration } from './format.ts';

/**
 * Every error that a person or a program can be told of: one row each. `http` is the answer's status,
 * `exit` the command line's; the sentence says what failed, with the value, and what to do.
 */
const catalogue = {
  CONFIG_INVALID: {
    http: 400,
    exit: 2,
    text: (p: { problems: readonly string[] }) => p.problems.join('\n'),
  },
  USAGE: { http: 400, exit: 2, text: (p: { why: string }) => p.why },
  COMPONENT_NOT_FOUND: {
    http: 404,
    exit: 1,
    text: (p: { component: string }) => `No component named "${p.component}". \`paramedic status\` lists them.`,
  },
  INCIDENT_NOT_FOUND: {
    http: 404,
    exit: 1,
    text: (p: { incident: string }) => `No incident "${p.incident}". \`paramedic incidents list\` shows them.`,
  },
  CHECKPOINT_NOT_FOUND: {
    http: 404,
    exit: 1,
    text: (p: { checkpoint: string }) => `No checkpoint "${p.checkpoint}". \`paramedic checkpoints list\` shows them.`,
  },
  CHECKPOINT_CORRUPTED: {
    http: 500,
    exit: 1,
    text: (p: { checkpoint: string; why: string }) =>
      `The checkpoint "${p.checkpoint}" cannot be used: ${p.why}. It is kept, and never restored; \`paramedic checkpoints list\` shows the others.`,
  },
  CHECKPOINT_NOT_NEWEST: {
    http: 409,
    exit: 1,
    text: (p: { component: string; base: string; newest: string | null }) =>
      `The operations are meant for the checkpoint "${p.base}", but ${p.newest === null ? `"${p.component}" has none` : `the newest of "${p.component}" is "${p.newest}"`}: send the whole state, with PUT.`,
  },
  PATCH_REFUSED: {
    http: 409,
    exit: 1,
    text: (p: { component: string; why: string }) => `The state of "${p.component}" cannot be patched: ${p.why}.`,
  },
  STATE_TOO_LARGE: {
    http: 413,
    exit: 1,
    text: (p: { component: string; bytes: number; limitBytes: number }) =>
      `With these operations the state of "${p.component}" would have ${p.bytes} bytes, and at most ${p.limitBytes} are kept: nothing was stored. Remove what it need not remember.`,
  },
  COMMAND_NOT_FOUND: {
    http: 404,
    exit: 1,
    text: (p: { command: string; component: string }) =>
      `Nobody waits for an answer of "${p.component}" to the command "${p.command}": it was answered, or its time is up.`,
  },
  EXPERIMENT_NOT_FOUND: {
    http: 404,
    exit: 1,
    text: (p: { experiment: string; known: string }) =>
      `No experiment named "${p.experiment}". These are there: ${p.known}.`,
  },
  BREAKER_NOT_FOUND: {
    http: 404,
    exit: 1,
    text: (p: { breaker: string }) => `No breaker named "${p.breaker}". \`paramedic breakers list\` shows them.`,
  },
  BREAKER_OPEN: {
    http: 503,
    exit: 1,
    text: (p: { breaker: string; state: string; waitMs: number }) =>
      `The breaker "${p.breaker}" is ${p.state}: the call was not made. Ask again in ${formatDuration(p.waitMs)}.`,
  },
  NOT_FOUND: { http: 404, exit: 1, text: (p: { path: string }) => `Nothing is served at ${p.path}.` },
  METHOD_NOT_ALLOWED: {
    http: 405,
    exit: 1,
    text: (p: { method: string; path: string }) => `${p.method} is not allowed at ${p.path}.`,
  },
  UNAUTHORIZED: {
    http: 401,
    exit: 1,
    text: (p: { scope: string }) =>
      `A valid ${p.scope} token is needed, as "Authorization: Bearer …". It is in state_dir/tokens/.`,
  },
  TOKEN_UNKNOWN: {
    http: 401,
    exit: 1,
    text: () => 'A component speaks with the token of its own start: PARAMEDIC_TOKEN.',
  },
  FORBIDDEN: { http: 403, exit: 1, text: (p: { why: string }) => p.why },
  BODY_INVALID: { http: 400, exit: 1, text: (p: { path: string; why: string }) => `${p.path || 'body'}: ${p.why}` },
  BODY_TOO_LARGE: {
    http: 413,
    exit: 1,
    text: (p: { limitBytes: number }) => `The body is larger than ${p.limitBytes} bytes.`,
  },
  CONTENT_TYPE: { http: 415, exit: 1, text: (p: { got: string }) => `Expected application/json, got "${p.got}".` },
  WEBHOOK_VERSION: {
    http: 400,
    exit: 1,
    text: (p: { got: string }) => `Expected the body of an Alertmanager webhook of version "4", got "${p.got}".`,
  },
  STALE_INCARNATION: {
    http: 409,
    exit: 1,
    text: (p: { component: string }) =>
      `A newer incarnation of "${p.component}" has been started: this one may no longer write its state.`,
  },
  ACTION_REFUSED: {
    http: 409,
    exit: 1,
    text: (p: { action: string; component: string; why: string }) =>
      `${p.action} of "${p.component}" refused: ${p.why}`,
  },
  ACTION_FAILED: {
    http: 502,
    exit: 1,
    text: (p: { action: string; component: string; why: string }) => `${p.action} of "${p.component}" failed: ${p.why}`,
  },
  SPAWN_FAILED: {
    http: 502,
    exit: 1,
    text: (p: { command: string; why: string }) => `Could not start "${p.command}": ${p.why}.`,
  },
  STATE_DIR_UNUSABLE: {
    http: 500,
    exit: 1,
    text: (p: { folder: string; why: string }) =>
      `The state folder ${p.folder} cannot be used: ${p.why}. Set "state_dir" to a folder that this user may write.`,
  },
  ALREADY_RUNNING: {
    http: 409,
    exit: 1,
    text: (p: { folder: string; pid: number | null }) =>
      `A daemon${p.pid === null ? '' : ` (pid ${p.pid})`} already runs on ${p.folder}. \`paramedic status\` shows it.`,
  },
  PORT_IN_USE: {
    http: 500,
    exit: 1,
    text: (p: { address: string }) =>
      `The address ${p.address} is in use by another program. Change "listen" or end that program.`,
  },
  ADDRESS_UNUSABLE: {
    http: 500,
    exit: 1,
    text: (p: { address: string; why: string }) => `Cannot listen on ${p.address}: ${p.why}.`,
  },
  NO_DAEMON: {
    http: 503,
    exit: 3,
    text: (p: { folder: string }) => `No daemon is running for ${p.folder}. \`paramedic start\` starts one.`,
  },
  NO_SERVICE_MANAGER: {
    http: 501,
    exit: 1,
    text: (p: { asked: string; answer: string }) =>
      `No service manager is here: \`${p.asked}\` answers "${p.answer}". In a container make \`paramedic start\` its command; elsewhere \`paramedic start --detach\` runs it in the background.`,
  },
  NOT_PRIVILEGED: {
    http: 403,
    exit: 1,
    text: (p: { verb: string }) =>
      `Only root may ${p.verb} a service of the system: use sudo, or --user for a service of your own.`,
  },
  SERVICE_NOT_INSTALLED: {
    http: 404,
    exit: 1,
    text: (p: { name: string; file: string }) =>
      `No service "${p.name}" is installed: there is no ${p.file}. \`paramedic service install\` makes one.`,
  },
  SERVICE_FAILED: {
    http: 500,
    exit: 1,
    text: (p: { command: string; why: string }) => `${p.command} failed: ${p.why}.`,
  },
  NOT_READY: { http: 503, exit: 1, text: () => 'The daemon is starting. Ask again in a moment.' },
  SHUTTING_DOWN: { http: 503, exit: 1, text: () => 'The daemon is stopping.' },
  STATE_LOCKED: {
    http: 503,
    exit: 2,
    text: (p: { store: string; needed: string; configured: string }) =>
      `${p.store} is encrypted with the key ${p.needed}, and ${p.configured} is configured: set "state_encryption.key" to the key that it was written with, or name that one in "previous_keys". Nothing was changed.`,
  },
  STORE_FAILED: {
    http: 503,
    exit: 1,
    text: (p: { store: string; why: string }) => `${p.store} could not be written: ${p.why}`,
  },
} as const;

export type ErrorCode = keyof typeof catalogue;
export type ErrorParameters<C extends ErrorCode> = Parameters<(typeof catalogue)[C]['text']>[0];

/** The catalogue's rows without their sentences: for the generated reference page. */
export const errorCodes = Object.entries(catalogue).map(([code, { http, exit }]) => ({
  code: code as ErrorCode,
  http,
  exit,
}));

export class ParamedicError extends Error {
  override readonly name = 'ParamedicError';
  readonly code: ErrorCode;
  readonly http: number;
  readonly exit: number;

  constructor(code: ErrorCode, text: string, options?: ErrorOptions) {
    super(text, options);
    this.code = code;
    this.http = catalogue[code].http;
    this.exit = catalogue[code].exit;
  }
}

/** Makes the error of one row: `throw failure('COMPONENT_NOT_FOUND', { component }, { cause })`. */
export function failure<C extends ErrorCode>(
  code: C,
  parameters: ErrorParameters<C>,
  options?: ErrorOptions,
): ParamedicError {
  const text = catalogue[code].text as (p: ErrorParameters<C>) => string;
  return new ParamedicError(code, text(parameters), options);
}

/**
 * Runs what is expected to fail: the error that it throws has no stack. A stack is ten times the price of the system
 * call that failed, and some calls stand before every restart.
 */
export function withoutStack<T>(run: () => T): T {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return run();
  } finally {
    Error.stackTraceLimit = limit;
  }
}

/** The sentence of whatever was thrown. */
export const sentenceOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Node's error code (`ENOENT`, `EADDRINUSE` …), if it has one. */
export const systemCode = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;

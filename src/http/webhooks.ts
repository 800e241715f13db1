import { Router, type ErrorRequestHandler, type Request, type RequestHandler, type Response } from 'express';
import { randomHex } from '../digest.ts';
import { ParamedicError, type ErrorCode } from '../errors.ts';
import type { Receiver, Rejection, TraceContext } from '../model/index.ts';
import type { Daemon } from '../supervisor/api.ts';
import { readAlertmanagerBody } from './alertmanager-body.ts';
import { requireSecret } from './auth.ts';
import { parseJson, readBody, requireBody } from './body.ts';
import { resource } from './resource.ts';

/** Why a request was refused, by the error that it was answered with. */
const rejectionOf: Readonly<Partial<Record<ErrorCode, Rejection>>> = {
  METHOD_NOT_ALLOWED: 'method',
  CONTENT_TYPE: 'content_type',
  BODY_TOO_LARGE: 'size',
  UNAUTHORIZED: 'auth',
  BODY_INVALID: 'schema',
  WEBHOOK_VERSION: 'version',
};

/** What is known of one request by the time it is answered. */
interface Known {
  readonly trace: TraceContext;
  parent: TraceContext | null;
  rejection: Rejection | null;
  alerts: number;
  truncated: number;
  groupKey: string;
}

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/;
const LONGEST_AGENT = 200;

/** The caller's span, for one who may be believed. */
function parentOf(request: Request): TraceContext | null {
  const [, traceId, spanId] = TRACEPARENT.exec(String(request.headers['traceparent'] ?? '')) ?? [];
  if (traceId === undefined || spanId === undefined || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return null;
  return { traceId, spanId };
}

/** Every answer is a fact, whatever it says: what is refused is counted too. */
function observe(daemon: Daemon, receiver: Receiver): RequestHandler {
  return (request, response, next) => {
    const started = performance.now();
    const known: Known = {
      trace: { traceId: randomHex(16), spanId: randomHex(8) },
      parent: null,
      rejection: null,
      alerts: 0,
      truncated: 0,
      groupKey: '',
    };
    response.locals['known'] = known;
    response.once('finish', () => {
      const { parent } = known;
      daemon.remediation.answered({
        receiver,
        code: response.statusCode,
        durationMs: performance.now() - started,
        userAgent: (request.headers['user-agent'] ?? '').slice(0, LONGEST_AGENT),
        ...known,
        trace: { ...known.trace, ...(parent && { traceId: parent.traceId }) },
      });
    });
    next();
  };
}

const knownOf = (response: Response): Known => response.locals['known'] as Known;

const noteRejection: ErrorRequestHandler = (error: unknown, _request, response, next) => {
  if (error instanceof ParamedicError) knownOf(response).rejection = rejectionOf[error.code] ?? null;
  next(error);
};

/**
 * Alerts in. The order is: method, content type, size, authentication, body, schema, version. Answered 202 when each
 * decision is on disk, 503 when it cannot be stored; never 429 and never a redirect, which Alertmanager takes for
 * something else.
 * @param secrets accepted tokens: the current one and, while it is being exchanged, the one before.
 */
export function webhooks(daemon: Daemon, secrets: readonly string[]): Router {
  const router = Router();
  const path = '/webhooks/alertmanager';
  router.use(path, observe(daemon, 'alertmanager'));
  resource(router, path, {
    async POST(request, response) {
      requireBody(request);
      requireSecret(request, response, 'webhook', secrets);
      const known = knownOf(response);
      known.parent = parentOf(request);
      const { alerts, groupKey, truncated } = readAlertmanagerBody(parseJson(await readBody(request)));
      Object.assign(known, { alerts: alerts.length, truncated, groupKey });
      const { spanId } = known.trace;
      const trace = { traceId: known.parent?.traceId ?? known.trace.traceId, spanId };
      const answers = daemon.remediation.receive({ receiver: 'alertmanager', trace, alerts });
      const told = answers.map(({ disposition, decision, why, remediation }, index) => ({
        alertname: alerts[index]?.name ?? null,
        status: alerts[index]?.status ?? null,
        disposition,
        decision,
        why,
        remediation_id: remediation,
      }));
      response.status(202).json({ alerts: told });
    },
  });
  router.use(path, noteRejection);
  return router;
}

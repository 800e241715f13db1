import express, { type Express, type RequestHandler } from 'express';
import type { Clock } from '../clock.ts';
import { failure } from '../errors.ts';
import type { Daemon } from '../supervisor/api.ts';
import { requireToken } from './auth.ts';
import { breakers } from './breakers.ts';
import { checkpoints } from './checkpoints.ts';
import { componentProtocol } from './component-protocol.ts';
import { components } from './components.ts';
import { config } from './config.ts';
import { crashes } from './crashes.ts';
import { degradation } from './degradation.ts';
import { events } from './events.ts';
import { experiments } from './experiments.ts';
import { loopbackNamesOnly } from './host.ts';
import { incidents } from './incidents.ts';
import { metrics } from './metrics.ts';
import { pings } from './pings.ts';
import { healthz, probes } from './probes.ts';
import { answerProblems, type OnError } from './problem.ts';
import { status } from './status.ts';
import { remediations } from './remediations.ts';
import type { Tokens } from './tokens.ts';
import { webhooks } from './webhooks.ts';

export interface AppDeps {
  readonly daemon: Daemon;
  readonly tokens: Pick<Tokens, 'api' | 'metrics' | 'webhooks'>;
  readonly clock: Clock;
  readonly onError: OnError;
  /** The configured host. */
  readonly host: string;
  /** Other machines can reach us: every path but /livez and /readyz needs a token. */
  readonly beyondLoopback: boolean;
  readonly closing: AbortSignal;
}

const unknownRoute: RequestHandler = (request) => {
  throw failure('NOT_FOUND', { path: request.originalUrl.split('?')[0] ?? '' });
};

/** All routes, in the order in which they are tried: who may ask comes before what is asked. */
export function createApp({ daemon, tokens, clock, onError, host, beyondLoopback, closing }: AppDeps): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');
  app.use((_request, response, next) => {
    response.setHeader('x-content-type-options', 'nosniff');
    response.setHeader('cache-control', 'no-store');
    if (!closing.aborted) return next();
    response.setHeader('connection', 'close');
    throw failure('SHUTTING_DOWN', undefined);
  });
  if (!beyondLoopback) app.use(loopbackNamesOnly(host));

  app.use(probes(daemon));
  app.use(pings(daemon));
  app.use(webhooks(daemon, tokens.webhooks));
  app.use('/component/v1', componentProtocol({ daemon, clock, closing }), unknownRoute);
  app.use('/api/v1', requireToken('api', [tokens.api]));
  app.use(
    '/api/v1',
    status(daemon),
    components(daemon),
    crashes(daemon),
    checkpoints(daemon),
    incidents(daemon),
    remediations(daemon),
    experiments(daemon),
    breakers(daemon),
    degradation(daemon),
    config(daemon),
    events({ daemon, clock, closing }),
    unknownRoute,
  );
  if (beyondLoopback) app.use(requireToken('metrics', [tokens.metrics, tokens.api]));
  app.use(metrics(daemon), healthz(daemon), unknownRoute);
  app.use(answerProblems(onError));
  return app;
}

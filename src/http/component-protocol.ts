import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import { failure } from '../errors.ts';
import type { Restored } from '../checkpoints/state-store.ts';
import { checkpointKinds, healthStatuses, type ComponentName } from '../model/index.ts';
import type { Daemon } from '../supervisor/api.ts';
import { bearer, CHALLENGE } from './auth.ts';
import { parse, parseBody, parseJson, readPieces, STATE_LIMIT } from './body.ts';
import { commandsQuery, holdCommands, inabilityOf } from './commands.ts';
import { sendJsonParts } from './json-parts.ts';
import { outcomesBody, permitView } from './outcomes.ts';
import { parameter, resource } from './resource.ts';
import type { StreamDeps } from './server-sent.ts';

const MOST_METRICS = 10;

const heartbeatBody = z.strictObject({
  status: z.enum(healthStatuses).optional(),
  message: z.string().max(1_000).optional(),
  progress: z.number().optional(),
  state: z.enum(['clean', 'dirty', 'urgent']).optional(),
  dirty_seconds: z.number().min(0).optional(),
  metrics: z
    .record(z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]{0,63}$/), z.number())
    .refine((metrics) => Object.keys(metrics).length <= MOST_METRICS, { error: () => `at most ${MOST_METRICS}` })
    .optional(),
});

const crashBody = z.strictObject({
  type: z.string().trim().min(1).max(200).default('Error'),
  message: z.string().max(10_000),
  stack: z
    .string()
    .max(64 * 1_024)
    .default(''),
});

/** `?component=NAME`: whom it speaks for. */
const speakerQuery = z.object({ component: z.string().optional() });

/** How a checkpoint is to be kept. */
const putQuery = z.object({ kind: z.enum(checkpointKinds).optional() });
const patchQuery = z.object({
  kind: z.undefined({ error: () => 'is for PUT: what PATCH sends is stored as operations or whole' }).optional(),
});

const nothing = z.strictObject({});

/** What a component is told of what it continues from. */
const view = ({ source: _source, entries: _entries, ...restored }: Restored) => restored;

export interface ComponentProtocolDeps extends StreamDeps {
  readonly daemon: Daemon;
}

/** What a component says and hears: with the token of its life it speaks for itself, and for what lives inside it. */
export function componentProtocol({ daemon, ...stream }: ComponentProtocolDeps): Router {
  /** @throws TOKEN_UNKNOWN; FORBIDDEN when it speaks for another. */
  const authenticate = (request: Request, response: Response) => {
    const speaker = daemon.authenticate(bearer(request) ?? '');
    if (!speaker) {
      response.setHeader('www-authenticate', CHALLENGE);
      throw failure('TOKEN_UNKNOWN', undefined);
    }
    const { component: named = speaker.component } = parse(speakerQuery, request.query);
    if (!daemon.speaksFor(speaker.component, named))
      throw failure('FORBIDDEN', {
        why: `The token of "${speaker.component}" speaks for itself and its logical components only.`,
      });
    return { ...speaker, component: named };
  };
  /**
   * To be asked when the whole body is there, just before it is handed over: while a slow body arrives, a newer
   * incarnation may have been started, and what it has stored must not be overwritten by the one before.
   */
  const current = (request: Request, response: Response): ComponentName => {
    const { component, current: isCurrent } = authenticate(request, response);
    if (!isCurrent) throw failure('STALE_INCARNATION', { component });
    return component;
  };

  const router = Router();
  router.use((request, response, next) => {
    authenticate(request, response);
    next();
  });
  resource(router, '/heartbeat', {
    async POST(request, response) {
      const beat = await parseBody(request, heartbeatBody);
      daemon.heartbeat(current(request, response), beat);
      response.status(204).end();
    },
  });
  resource(router, '/state', {
    async GET(request, response) {
      sendJsonParts(response, view(await daemon.restore(current(request, response))));
    },
    async PUT(request, response) {
      const { kind } = parse(putQuery, request.query);
      const body = await readPieces(request, STATE_LIMIT);
      const component = current(request, response);
      response.json(await daemon.state.putState(component, body, 'interval', kind));
    },
    async PATCH(request, response) {
      parse(patchQuery, request.query);
      const body = await readPieces(request, STATE_LIMIT);
      response.json(await daemon.state.patchState(current(request, response), body, 'interval'));
    },
  });
  resource(router, '/journal', {
    async POST(request, response) {
      const body = await readPieces(request);
      response.json(await daemon.state.appendJournal(current(request, response), body));
    },
  });
  resource(router, '/commands', {
    GET(request, response) {
      const component = current(request, response);
      const { kinds } = parse(commandsQuery, request.query);
      if (request.method === 'HEAD') response.end();
      else holdCommands(response, kinds, (line) => daemon.commands.listen(component, line), stream);
    },
  });
  resource(router, '/commands/:id', {
    async GET(request, response) {
      const id = parameter(request, 'id');
      sendJsonParts(response, view(await daemon.commands.stateFor(current(request, response), id)));
    },
    async POST(request, response) {
      const body = await readPieces(request, STATE_LIMIT);
      const component = current(request, response);
      const id = parameter(request, 'id');
      const why = inabilityOf(body);
      if (why !== undefined) daemon.commands.decline(component, id, why);
      else if (daemon.commands.kindOf(component, id) === 'get_state')
        return void response.json(await daemon.commands.answer(component, id, body));
      else {
        parse(nothing, body.length === 0 ? {} : parseJson(Buffer.concat(body)));
        daemon.commands.done(component, id);
      }
      response.status(204).end();
    },
  });
  resource(router, '/crash', {
    async POST(request, response) {
      const told = await parseBody(request, crashBody);
      daemon.testify(current(request, response), told);
      response.status(204).end();
    },
  });
  resource(router, '/outcomes', {
    async POST(request, response) {
      const outcomes = await parseBody(request, outcomesBody);
      const component = current(request, response);
      daemon.outcomes(component, outcomes);
      const { unknown } = daemon.breakers.report(outcomes, component);
      response.json({ accepted: outcomes.length, unknown });
    },
  });
  resource(router, '/breakers/:name/permit', {
    async POST(request, response) {
      await parseBody(request, nothing);
      const caller = current(request, response);
      response.json(permitView(daemon.breakers.permit(parameter(request, 'name'), caller)));
    },
  });
  return router;
}

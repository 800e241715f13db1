import { Router } from 'express';
import { z } from 'zod';
import type { Daemon } from '../supervisor/api.ts';
import { parseBody } from './body.ts';
import { parameter, resource } from './resource.ts';

const actionBody = z.strictObject({ force: z.boolean().optional() });

/** What is supervised: how it is, why, where it writes, and what a person may ask for. */
export function components(daemon: Daemon): Router {
  const router = Router();
  resource(router, '/components', {
    GET: (_request, response) => void response.json({ components: daemon.components() }),
  });
  resource(router, '/components/:name', {
    GET: (request, response) => void response.json(daemon.component(parameter(request, 'name'))),
  });
  resource(router, '/components/:name/explain', {
    GET: (request, response) => void response.json(daemon.explain(parameter(request, 'name'))),
  });
  resource(router, '/components/:name/logs', {
    GET: (request, response) => void response.json(daemon.logFiles(parameter(request, 'name'))),
  });
  for (const action of ['start', 'stop', 'restart'])
    resource(router, `/components/:name/${action}`, {
      async POST(request, response) {
        const options = await parseBody(request, actionBody);
        response.json(await daemon.act(action, { component: parameter(request, 'name'), ...options }, 'person'));
      },
    });
  return router;
}

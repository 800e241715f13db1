import { Router } from 'express';
import { z } from 'zod';
import type { Daemon } from '../supervisor/api.ts';
import { parse, parseBody } from './body.ts';
import { parameter, resource } from './resource.ts';

const listQuery = z.object({
  component: z.string().optional(),
  state: z.enum(['open', 'resolved']).optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(50),
});
const nothing = z.strictObject({});
const resolveBody = z.strictObject({ resolution: z.string().min(1).max(1_000).optional() });

/** What went wrong, how it was healed, and a person's word about it. */
export function incidents(daemon: Daemon): Router {
  const { incidents: desk } = daemon;
  const router = Router();
  resource(router, '/incidents', {
    GET: (request, response) => void response.json({ incidents: desk.list(parse(listQuery, request.query)) }),
  });
  resource(router, '/incidents/:id', {
    GET(request, response) {
      const { view, timeline } = desk.show(parameter(request, 'id'));
      const told = timeline.map(({ event, seq, message }) => ({ ...daemon.view(event, seq), message }));
      response.json({ ...view, timeline: told });
    },
  });
  resource(router, '/incidents/:id/ack', {
    async POST(request, response) {
      await parseBody(request, nothing);
      response.json(desk.acknowledge(parameter(request, 'id')));
    },
  });
  resource(router, '/incidents/:id/resolve', {
    async POST(request, response) {
      const body = await parseBody(request, resolveBody);
      const incident = parameter(request, 'id');
      await daemon.act('resolve_incident', { incident, ...body }, 'person');
      response.json(desk.show(incident).view);
    },
  });
  return router;
}

import { Router } from 'express';
import { z } from 'zod';
import { failure } from '../errors.ts';
import type { Daemon } from '../supervisor/api.ts';
import { parse } from './body.ts';
import { parameter, resource } from './resource.ts';

const listQuery = z.object({
  component: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(50),
});
/** Reports are files named after their id: nothing else may reach a path. */
const CRASH_ID = /^CRASH-[0-9A-Z-]{1,64}$/;

export function crashes(daemon: Daemon): Router {
  const router = Router();
  resource(router, '/crashes', {
    GET(request, response) {
      const { component, limit } = parse(listQuery, request.query);
      response.json({ crashes: daemon.crashes(component === undefined ? { limit } : { component, limit }) });
    },
  });
  resource(router, '/crashes/:id', {
    async GET(request, response) {
      const id = parameter(request, 'id');
      const report = CRASH_ID.test(id) ? await daemon.crashReport(id) : undefined;
      if (report === undefined) throw failure('NOT_FOUND', { path: request.baseUrl + request.path });
      response.json(report);
    },
  });
  return router;
}

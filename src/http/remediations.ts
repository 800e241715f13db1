import { Router } from 'express';
import { z } from 'zod';
import type { Daemon } from '../supervisor/api.ts';
import { parse } from './body.ts';
import { resource } from './resource.ts';

const listQuery = z.object({ limit: z.coerce.number().int().min(1).max(1_000).default(50) });

/** The audit trail of what alerts have asked for. */
export function remediations(daemon: Daemon): Router {
  const router = Router();
  resource(router, '/remediations', {
    GET(request, response) {
      const { limit } = parse(listQuery, request.query);
      response.json({ remediations: daemon.remediation.list(limit) });
    },
  });
  return router;
}

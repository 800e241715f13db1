import { Router } from 'express';
import { z } from 'zod';
import type { Daemon } from '../supervisor/api.ts';
import { parseBody } from './body.ts';
import { resource } from './resource.ts';

const nothing = z.strictObject({});

/** The configuration in force, and reading it again. */
export function config(daemon: Daemon): Router {
  const router = Router();
  resource(router, '/config', { GET: (_request, response) => void response.json(daemon.config()) });
  resource(router, '/reload', {
    async POST(request, response) {
      await parseBody(request, nothing);
      response.json(await daemon.reload());
    },
  });
  return router;
}

import { Router } from 'express';
import { z } from 'zod';
import type { Daemon } from '../supervisor/api.ts';
import { parseBody } from './body.ts';
import { resource } from './resource.ts';

const stopBody = z.strictObject({ keep_components: z.boolean().default(false) });

/** The daemon as a whole: how it is, and its end. */
export function status(daemon: Daemon): Router {
  const router = Router();
  resource(router, '/status', { GET: (_request, response) => void response.json(daemon.status()) });
  resource(router, '/health', { GET: (_request, response) => void response.json(daemon.health()) });
  resource(router, '/stop', {
    async POST(request, response) {
      const { keep_components } = await parseBody(request, stopBody);
      daemon.requestStop({ keepComponents: keep_components });
      response.status(202).json({ stopping: true, keep_components });
    },
  });
  return router;
}

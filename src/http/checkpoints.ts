import { Router } from 'express';
import { z } from 'zod';
import { failure } from '../errors.ts';
import { iso } from '../format.ts';
import type { CheckpointId, ComponentName, EpochMs, ManifestId } from '../model/index.ts';
import type { Daemon } from '../supervisor/api.ts';
import { parse, parseBody } from './body.ts';
import { sendJsonParts } from './json-parts.ts';
import { parameter, resource } from './resource.ts';

const listQuery = z.object({
  component: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(100_000).default(1_000),
});
const parameters = z.record(z.string(), z.unknown());
const recoveriesQuery = z.object({ limit: z.coerce.number().int().min(1).max(1_000).default(20) });
const nothing = z.strictObject({});
const CHECKPOINT_ID = /^CP-[0-9A-Z-]{1,64}$/;
const MANIFEST_ID = /^MAN-[0-9A-Z-]{1,64}$/;

/** Times are ISO 8601 wherever people look. */
const view = <C extends { readonly at: EpochMs }>(checkpoint: C) => ({
  ...checkpoint,
  at: iso(checkpoint.at),
});

export function checkpoints(daemon: Daemon): Router {
  const router = Router();
  resource(router, '/checkpoints', {
    async GET(request, response) {
      const { component, limit } = parse(listQuery, request.query);
      const isMeant = (of: { readonly component: string }) => component === undefined || of.component === component;
      const named = (await daemon.state.manifests()).filter(({ parts }) => parts.some(isMeant));
      const resumes = (await daemon.state.resume.list()).filter(isMeant);
      response.json({
        checkpoints: (await daemon.checkpoints(component, limit)).map(view),
        manifests: named.map(view),
        resume_points: resumes.map(view),
        files: await daemon.state.strayFiles(component as ComponentName | undefined),
      });
    },
    async POST(request, response) {
      response.json(await daemon.act('checkpoint', await parseBody(request, parameters), 'person'));
    },
  });
  resource(router, '/checkpoints/verify', {
    async POST(request, response) {
      await parseBody(request, nothing);
      const verified = await daemon.state.verify();
      const manifests = { ...verified.manifests, corrupted: verified.manifests.corrupted.map(view) };
      response.json({ ...verified, corrupted: verified.corrupted.map(view), manifests });
    },
  });
  resource(router, '/checkpoints/prune', {
    async POST(request, response) {
      await parseBody(request, nothing);
      response.json({ deleted: await daemon.pruneCheckpoints() });
    },
  });
  resource(router, '/recoveries', {
    GET(request, response) {
      const { limit } = parse(recoveriesQuery, request.query);
      response.json({ recoveries: daemon.recoveries(limit) });
    },
    async POST(request, response) {
      response.json(await daemon.act('recover', await parseBody(request, parameters), 'person'));
    },
  });
  resource(router, '/checkpoints/:id', {
    async GET(request, response) {
      const id = parameter(request, 'id');
      if (MANIFEST_ID.test(id)) return void response.json(view(await daemon.state.manifest(id as ManifestId)));
      if (!CHECKPOINT_ID.test(id)) throw failure('CHECKPOINT_NOT_FOUND', { checkpoint: id });
      sendJsonParts(response, view(await daemon.state.read(id as CheckpointId)));
    },
  });
  return router;
}

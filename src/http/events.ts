import { Router } from 'express';
import { z } from 'zod';
import type { Daemon } from '../supervisor/api.ts';
import { parse } from './body.ts';
import { streamEvents } from './event-stream.ts';
import { resource } from './resource.ts';
import type { StreamDeps } from './server-sent.ts';

const flag = z.enum(['true', 'false', '']).transform((value) => value !== 'false');
const seq = z.coerce.number().int().min(0);
const query = z.object({
  after: seq.optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
  follow: flag.default(true),
  all: flag.default(false),
});

export interface EventsDeps extends StreamDeps {
  readonly daemon: Daemon;
}

/**
 * What happened: a stream from `Last-Event-ID`, else `?after=`, else from now on; or, with `?follow=false`, a list
 * of at most `?limit=` (the newest, unless `?after=` says from where).
 */
export function events({ daemon, clock, closing }: EventsDeps): Router {
  const router = Router();
  resource(router, '/events', {
    GET(request, response) {
      const { after, limit, follow, all } = parse(query, request.query);
      const last = daemon.lastSeq();
      if (!follow) {
        response.json({ events: after === undefined ? daemon.newestEvents(limit) : daemon.eventsAfter(after, limit) });
        return;
      }
      // A browser reconnects to the same address with the header added: the header knows more.
      const resumed = z.object({ 'last-event-id': seq.optional() }).safeParse(request.headers);
      const asked = (resumed.success ? resumed.data['last-event-id'] : undefined) ?? after ?? last;
      // An id from the future is one of a store that was set aside: all of this one is new to the client.
      streamEvents(response, { daemon, clock, closing, after: asked > last ? 0 : asked, all });
    },
  });
  return router;
}

import { Router } from 'express';
import { z } from 'zod';
import type { BreakerStatus } from '../breakers/index.ts';
import { iso } from '../format.ts';
import type { Daemon } from '../supervisor/api.ts';
import { parseBody } from './body.ts';
import { parameter, resource } from './resource.ts';

const nothing = z.strictObject({});

/** In the names of the contract: ISO 8601 times, seconds. */
const view = ({ name, state, since, until, reason, policy, ...counts }: BreakerStatus) => ({
  name,
  state,
  since: iso(since),
  until: until === null ? null : iso(until),
  reason,
  consecutive_failures: counts.consecutiveFailures,
  probes_in_flight: counts.probesInFlight,
  calls: counts.calls,
  failure_ratio: counts.failureRatio,
  policy: {
    failure_threshold: policy.failure_threshold,
    failure_window_seconds: policy.failure_window / 1_000,
    recovery_timeout_seconds: policy.recovery_timeout / 1_000,
    half_open_max_calls: policy.half_open_max_calls,
    half_open_max_wait_seconds: policy.half_open_max_wait / 1_000,
    success_threshold: policy.success_threshold,
  },
});
/** A breaker as HTTP serves it. */
export type BreakerView = ReturnType<typeof view>;

/** What components lean on: how each breaker is, why, and what a person may do to it. */
export function breakers(daemon: Daemon): Router {
  const router = Router();
  resource(router, '/breakers', {
    GET: (_request, response) => void response.json({ breakers: daemon.breakers.list().map(view) }),
  });
  resource(router, '/breakers/:name', {
    GET: (request, response) => void response.json(view(daemon.breakers.get(parameter(request, 'name')))),
  });
  for (const wish of ['open', 'close', 'reset'])
    resource(router, `/breakers/:name/${wish}`, {
      async POST(request, response) {
        await parseBody(request, nothing);
        response.json(await daemon.act(`breaker_${wish}`, { breaker: parameter(request, 'name') }, 'person'));
      },
    });
  return router;
}

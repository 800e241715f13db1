import { Router } from 'express';
import { z } from 'zod';
import type { DegradationStatus } from '../degradation/index.ts';
import { iso } from '../format.ts';
import type { Daemon } from '../supervisor/api.ts';
import { parseBody } from './body.ts';
import { resource } from './resource.ts';

/** Looked into by the action: what is wrong with it is said in one place. */
const body = z.looseObject({});

/** In the names of the contract: ISO 8601 times. */
const view = (status: DegradationStatus) => ({
  level: status.level,
  since: iso(status.since),
  trigger: status.trigger,
  reason: status.reason,
  until: status.until === null ? null : iso(status.until),
  policy_level: status.policyLevel,
  reading: status.reading && {
    cpu_ratio: status.reading.cpu,
    memory_ratio: status.reading.memory,
    error_rate: status.reading.errorRate,
    network: status.reading.network,
  },
  pins: status.pins.map(({ level, trigger, since, until }) => ({
    level,
    trigger,
    since: iso(since),
    until: until === null ? null : iso(until),
  })),
  features: Object.fromEntries(
    status.configured.map(({ name, priority, dependsOn, components }) => [
      name,
      { ...status.features[name], priority, depends_on: dependsOn, components },
    ]),
  ),
});
/** The level and the features as HTTP serves them. */
export type DegradationView = ReturnType<typeof view>;

/** What is given up at this moment, why, and what a person may do about it. */
export function degradation(daemon: Daemon): Router {
  const router = Router();
  resource(router, '/degradation', {
    GET: (_request, response) => void response.json(view(daemon.degradation())),
    async PUT(request, response) {
      const wish = await parseBody(request, body);
      const { message } = await daemon.act('degrade', wish, 'person');
      response.json({ message, ...view(daemon.degradation()) });
    },
  });
  return router;
}

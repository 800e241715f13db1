import { z } from 'zod';
import { duration, formatDuration } from '../../units.ts';
import { defineCheck, healthy, unhealthy, unknown } from '../check.ts';

export const heartbeat = defineCheck({
  kind: 'heartbeat',
  summary: 'Healthy while the component gives signs of life by itself.',
  options: z.strictObject({
    timeout: duration().default(30_000).describe('Time without a heartbeat after which it is unhealthy.'),
  }),
  onHeartbeat: true,
  run({ timeout }, { clock, subject }) {
    const beat = subject.heartbeat();
    const since = beat?.at ?? subject.startedAt();
    if (since === null) return unknown('no heartbeat yet, and no life to expect one from');
    const silentMs = clock.now() - since;
    if (silentMs > timeout) {
      const silence = formatDuration(silentMs);
      return unhealthy(beat ? `no heartbeat for ${silence}` : `no heartbeat in the ${silence} since it started`, 10);
    }
    if (!beat) return unknown(`no heartbeat yet, ${formatDuration(silentMs)} after its start`);
    if (beat.status === 'healthy') return healthy(beat.message || `last heartbeat ${formatDuration(silentMs)} ago`);
    const severity = { degraded: 5, unhealthy: 8, critical: 10, unknown: 0 }[beat.status];
    return { status: beat.status, message: beat.message || `it says of itself: ${beat.status}`, severity };
  },
});

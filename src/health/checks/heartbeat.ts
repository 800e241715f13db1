import { z } from 'zod';
import { duration, formatDuration } from '../../units.ts';
import { defineCheck, degraded, healthy, unhealthy, unknown } from '../check.ts';

/** How long the run before this one and those before have seen the same. */
function stuckFor(progress: number | null, memory: Map<string, number>, now: number): number {
  const seen = progress ?? Number.NaN;
  if (!Object.is(memory.get('progress'), seen)) memory.set('progress', seen).set('since', now);
  return now - (memory.get('since') ?? now);
}

export const heartbeat = defineCheck({
  kind: 'heartbeat',
  summary: 'Healthy while the component gives signs of life by itself.',
  options: z.strictObject({
    timeout: duration().default(30_000).describe('Time without a heartbeat after which it is unhealthy.'),
    progress_timeout: duration()
      .optional()
      .describe(
        'Time that the `progress` of its heartbeats may stay the same: one that beats and does not get on is unhealthy. Not looked at unless given.',
      ),
  }),
  onHeartbeat: true,
  run({ timeout, progress_timeout }, { clock, subject, memory }) {
    const beat = subject.heartbeat();
    const since = beat?.at ?? subject.startedAt();
    if (since === null) return unknown('no heartbeat yet, and no life to expect one from');
    const silentMs = clock.now() - since;
    if (silentMs > timeout) {
      const silence = formatDuration(silentMs);
      return unhealthy(beat ? `no heartbeat for ${silence}` : `no heartbeat in the ${silence} since it started`, 10);
    }
    if (!beat) return unknown(`no heartbeat yet, ${formatDuration(silentMs)} after its start`);
    const stuckMs = stuckFor(beat.progress, memory, clock.monotonic());
    if (progress_timeout !== undefined && stuckMs > progress_timeout && beat.status === 'healthy')
      return beat.progress === null
        ? degraded('it beats and tells no progress')
        : unhealthy(`it beats, and its progress has been ${beat.progress} for ${formatDuration(stuckMs)}`, 8);
    if (beat.status === 'healthy') return healthy(beat.message || `last heartbeat ${formatDuration(silentMs)} ago`);
    const severity = { degraded: 5, unhealthy: 8, critical: 10, unknown: 0 }[beat.status];
    return { status: beat.status, message: beat.message || `it says of itself: ${beat.status}`, severity };
  },
});

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { z } from 'zod';
import { duration, formatDuration } from '../../units.ts';
import { critical, defineCheck, degraded, healthy, unknown, type Heartbeat } from '../check.ts';

const RESOLUTION_MS = 50;
const NS_PER_MS = 1e6;

const options = z.strictObject({
  metric: z
    .string()
    .min(1)
    .default('event_loop_lag_seconds')
    .describe('Under which name a component reports its lag, in seconds, with its heartbeats.'),
  max_age: duration().default(60_000).describe('An older heartbeat tells nothing.'),
  warning: duration().default(250).describe('Lag above which it is degraded.'),
  critical: duration().default(2_000).describe('Lag above which it is critical.'),
});

export const eventLoop = defineCheck({
  kind: 'event_loop',
  summary:
    "Healthy while an event loop turns without delay: of the host, the daemon's own; of a component, the one it reports with its heartbeats.",
  options,
  run(limits, { subject, memory, clock }) {
    const lagMs = subject.isHost ? ownLagMs(memory) : reportedMs(subject.heartbeat(), limits, clock.now());
    if (lagMs === null)
      return unknown(subject.isHost ? 'measured from now on' : `no heartbeat of late has reported "${limits.metric}"`);
    const sentence = `lag of the event loop: ${formatDuration(lagMs)}`;
    if (lagMs > limits.critical) return critical(sentence);
    return lagMs > Math.min(limits.warning, limits.critical) ? degraded(sentence) : healthy(sentence);
  },
});

function reportedMs(beat: Heartbeat | null, { metric, max_age }: z.output<typeof options>, now: number): number | null {
  const seconds = beat && now - beat.at <= max_age ? beat.metrics?.[metric] : undefined;
  return seconds !== undefined && seconds >= 0 ? seconds * 1_000 : null;
}

/** One for each check that asks, by its memory: it goes with it. */
const histograms = new WeakMap<Map<string, number>, ReturnType<typeof monitorEventLoopDelay>>();

/** The longest delay since the check's last run; null at the first. */
function ownLagMs(memory: Map<string, number>): number | null {
  const histogram = histograms.get(memory);
  if (!histogram) {
    const begun = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    begun.enable();
    histograms.set(memory, begun);
    return null;
  }
  // It begins anew with each reset: asked too soon it would never come to measure.
  if (histogram.count === 0) return null;
  const longestMs = histogram.max / NS_PER_MS - RESOLUTION_MS;
  histogram.reset();
  return Math.max(0, longestMs);
}

import type { EpochMs, EventOf } from '../model/index.ts';
import { begin, type Condition } from './condition.ts';

/** The same moment on both clocks. */
export interface Moment {
  readonly monotonic: number;
  readonly wall: EpochMs;
}

/**
 * The condition that a breaker was left in by its last transition, in an earlier daemon or before it was taken out of
 * the configuration. An open one stays so for exactly what was left of its time. Nothing is known of probes that were
 * in flight: their results come too late.
 */
export function restore(
  { to, at, until }: EventOf<'breaker.transitioned'>,
  epoch: number,
  { monotonic, wall }: Moment,
): Condition {
  // The wall clock may have been put back since.
  const since = monotonic - Math.max(0, wall - at);
  const entered = { since, epoch, permits: 0, callsFrom: since };
  switch (to) {
    case 'open': {
      const promisedMs = Math.max(0, (until ?? at) - at);
      const leftMs = Math.max(0, (until ?? at) - wall);
      return { is: 'open', ...entered, until: monotonic + Math.min(leftMs, promisedMs) };
    }
    case 'half_open':
      return { is: 'half_open', ...entered, successes: 0, probes: [] };
    case 'forced_open':
    case 'forced_closed':
      return { is: to, ...entered };
    case 'closed':
    case 'disabled':
      return { ...begin(since, epoch), callsFrom: since };
    default:
      return to satisfies never;
  }
}

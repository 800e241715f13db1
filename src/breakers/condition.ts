/*
 * The states of a breaker:
 *
 *   closed ── too many failures ──▶ open ── recovery_timeout ──▶ half_open ── enough successes ──▶ closed
 *                                    ▲                               │
 *                                    └── any failure, or a probe ────┘
 *                                        that does not report back
 *
 * A person may force it open or closed from anywhere, until it is reset: then it is closed and judges afresh.
 *
 * Each transition begins a new epoch. Permits carry the epoch in which they were given, so that a result that comes
 * too late is recognized: it says nothing of how things are now. Times are ms on the monotonic clock.
 */

interface Epoch {
  /** When this state was entered. */
  readonly since: number;
  /** Counts on from a random beginning: no other breaker, and no other daemon, gives the same permits. */
  readonly epoch: number;
  /** Permits given in this epoch. */
  readonly permits: number;
  /** A call without a permit that began before this is of an earlier epoch. */
  readonly callsFrom: number;
}

export interface Closed extends Epoch {
  readonly is: 'closed';
  readonly consecutiveFailures: number;
  /** When the last ones were, oldest first, as many as the threshold. */
  readonly failures: readonly number[];
}

export interface Open extends Epoch {
  readonly is: 'open';
  readonly until: number;
}

/** A call that was let through while half open, on trial. */
export interface Probe {
  readonly permit: string;
  /** It must have reported back before this. */
  readonly until: number;
}

export interface HalfOpen extends Epoch {
  readonly is: 'half_open';
  readonly successes: number;
  /** In flight, oldest first. */
  readonly probes: readonly Probe[];
}

export interface Forced extends Epoch {
  readonly is: 'forced_open' | 'forced_closed';
}

export type Condition = Closed | Open | HalfOpen | Forced;

/** One that nothing is known of yet: every result counts. */
export const begin = (now: number, epoch: number): Closed => ({
  is: 'closed',
  since: now,
  epoch,
  permits: 0,
  callsFrom: Number.NEGATIVE_INFINITY,
  consecutiveFailures: 0,
  failures: [],
});

/** When time alone will move it; null: never. */
export function dueAt(condition: Condition): number | null {
  if (condition.is === 'open') return condition.until;
  // Probes of one epoch may have been given under different policies: the oldest need not be due first.
  if (condition.is === 'half_open' && condition.probes.length > 0)
    return Math.min(...condition.probes.map(({ until }) => until));
  return null;
}

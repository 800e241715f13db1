import { formatDuration } from '../format.ts';
import { isWorse, worseLevel, type DegradationLevel } from '../model/index.ts';
import type { DegradationPolicy, Thresholds } from './schema.ts';

/** `failing`: no check has succeeded, and not all have failed often enough: neither there nor lost. */
export type NetworkReading = 'connected' | 'failing' | 'lost';

/** What was found at one moment: ratios from 0 on; null: not known. */
export interface Reading {
  readonly cpu: number | null;
  readonly memory: number | null;
  /** Share of failed calls. */
  readonly errorRate: number | null;
  /** null: nobody looks after it, or nothing can be said. */
  readonly network: NetworkReading | null;
}

/** What the readings have led to so far. Times on the monotonic clock. */
export interface Condition {
  readonly level: DegradationLevel;
  /** What the reading before wanted, if it was worse than the level: the next one must say so too. */
  readonly strain: DegradationLevel | null;
  /** Since when all readings have been better than the level, and the worst that they wanted. */
  readonly calm: { readonly since: number; readonly worst: DegradationLevel } | null;
}

/** The level that a reading asks for, and why. */
export interface Wanted {
  readonly level: DegradationLevel;
  readonly reason: string;
}

export interface Step {
  readonly condition: Condition;
  /** Why the level is another one now; null: it is not. */
  readonly reason: string | null;
}

/** Readings come by a timer, which may be this much early: the one that is due must not wait for another turn. */
const TIMER_SLACK_MS = 100;

export const atLevel = (level: DegradationLevel): Condition => ({ level, strain: null, calm: null });

const milder = (one: DegradationLevel, other: DegradationLevel): DegradationLevel =>
  isWorse(one, other) ? other : one;

const percent = (ratio: number): string => `${Math.round(ratio * 100)}%`;

const measures = [
  { what: 'CPU', of: 'cpu', name: 'cpu' },
  { what: 'memory', of: 'memory', name: 'memory' },
  { what: 'failed calls', of: 'errorRate', name: 'error_rate' },
] as const;

/** What one reading asks for; null: it tells nothing. */
export function wanted(reading: Reading, thresholds: Thresholds): Wanted | null {
  if (reading.network === 'lost') return { level: 'offline', reason: 'the network is lost' };
  const known = measures.flatMap(({ what, of, name }) => {
    const value = reading[of];
    return value === null
      ? []
      : judge(what, value, thresholds[`${name}_warning`], thresholds[`${name}_critical`], thresholds);
  });
  if (known.length === 0 && reading.network !== 'connected') return null;
  const level = known.reduce<DegradationLevel>((worst, one) => worseLevel(worst, one.level), 'full');
  const reasons = known.filter((one) => one.level === level && level !== 'full').map(({ reason }) => reason);
  return { level, reason: reasons.join(', ') };
}

function judge(what: string, value: number, warning: number, critical: number, { reduced_factor }: Thresholds): Wanted {
  const from = (limit: number) => `${what} at ${percent(value)}, from ${percent(limit)} on`;
  if (value >= critical) return { level: 'emergency', reason: from(critical) };
  if (value >= warning) return { level: 'minimal', reason: from(warning) };
  const reduced = warning * reduced_factor;
  return value >= reduced ? { level: 'reduced', reason: from(reduced) } : { level: 'full', reason: '' };
}

/**
 * What becomes of the level with one more reading. Worse: when two readings in a row say so, to what both ask for; a
 * lost network at once, for its check has a threshold of its own. Better: when all readings of `recover_after` were,
 * to the worst that they asked for. It does not rise from offline while the network is failing: after its death a daemon
 * counts failures from the beginning.
 */
export function decide(
  condition: Condition,
  reading: Reading,
  policy: Pick<DegradationPolicy, 'thresholds' | 'recover_after'>,
  now: number,
): Step {
  const { level } = condition;
  const asks = wanted(reading, policy.thresholds);
  if (level === 'offline' && reading.network === 'failing') return { condition: atLevel(level), reason: null };
  if (asks === null) return { condition, reason: null };
  if (asks.level === level) return { condition: atLevel(level), reason: null };
  return isWorse(asks.level, level) ? worsen(condition, asks) : improve(condition, asks, policy.recover_after, now);
}

function worsen({ level, strain }: Condition, asks: Wanted): Step {
  if (asks.level === 'offline') return { condition: atLevel('offline'), reason: asks.reason };
  if (strain === null) return { condition: { level, strain: asks.level, calm: null }, reason: null };
  const both = milder(strain, asks.level);
  return {
    condition: { ...atLevel(both), strain: isWorse(asks.level, both) ? asks.level : null },
    reason: asks.reason,
  };
}

function improve({ level, calm }: Condition, asks: Wanted, recoverAfterMs: number, now: number): Step {
  const since = calm?.since ?? now;
  const worst = worseLevel(calm?.worst ?? asks.level, asks.level);
  if (now - since < recoverAfterMs - TIMER_SLACK_MS)
    return { condition: { level, strain: null, calm: { since, worst } }, reason: null };
  const found =
    worst === 'full' ? 'all readings were below their thresholds' : `no reading asked for more than ${worst}`;
  return { condition: atLevel(worst), reason: `for ${formatDuration(now - since)} ${found}` };
}

import type { EpochMs } from './ids.ts';
import type { Trigger } from './breaker.ts';

/** How much is given up, from nothing to all that is not vital or needs the network; the metric's value is the index. */
export const degradationLevels = ['full', 'reduced', 'minimal', 'emergency', 'offline'] as const;
export type DegradationLevel = (typeof degradationLevels)[number];

/** Whether the first level gives up more than the second. */
export const isWorse = (one: DegradationLevel, other: DegradationLevel): boolean =>
  degradationLevels.indexOf(one) > degradationLevels.indexOf(other);
/** Of two levels the one that gives up more. */
export const worseLevel = (one: DegradationLevel, other: DegradationLevel): DegradationLevel =>
  isWorse(other, one) ? other : one;

/** `reason` and `fallback`: why it is off, and what answers in its place; null while it is on. */
export interface FeatureStanding {
  readonly enabled: boolean;
  readonly reason: string | null;
  readonly fallback: Readonly<Record<string, unknown>> | null;
}

/** What is on and what is not: as it is, what components hear with the command `degradation`. */
export interface DegradationStanding {
  readonly level: DegradationLevel;
  readonly features: Readonly<Record<string, FeatureStanding>>;
}

/** Somebody holds the level: a person at exactly this one, anything else at this one or a worse. */
export interface LevelPin {
  readonly level: DegradationLevel;
  readonly trigger: Trigger;
  readonly since: EpochMs;
  /** null: until it is lifted. */
  readonly until: EpochMs | null;
}

/** How all of it stands at one moment, for the daemon after this one; times of pins may have passed when it is read. */
export interface DegradationRecord {
  /** What is in force, who asks for it, since when, and when that ends by itself (null: it does not). */
  readonly level: DegradationLevel;
  readonly trigger: Trigger;
  readonly reason: string;
  readonly since: EpochMs;
  readonly until: EpochMs | null;
  /** What the readings of the machine have led to, whoever holds the level. */
  readonly policy: { readonly level: DegradationLevel; readonly reason: string };
  readonly pins: readonly LevelPin[];
  /** Features that are off. */
  readonly off: readonly string[];
}

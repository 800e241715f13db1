import type { EpochMs } from './ids.ts';
import type { Trigger } from './breaker.ts';

/** How much is given up, from nothing to all that is not vital or needs the network; the metric's value is the index. */
export const degradationLevels = ['full', 'reduced', 'minimal', 'emergency', 'offline'] as const;
export type DegradationLevel = (typeof degradationLevels)[number];

/** Of two levels the one that gives up more. */
export const worseLevel = (one: DegradationLevel, other: DegradationLevel): DegradationLevel =>
  degradationLevels.indexOf(one) < degradationLevels.indexOf(other) ? other : one;

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

import type { ComponentName, EpochMs, IncidentId, RecoveryId } from './ids.ts';

export const incidentSeverities = ['info', 'low', 'medium', 'high', 'critical'] as const;
export type IncidentSeverity = (typeof incidentSeverities)[number];

/** The specification's categories (chapter 10). */
export const incidentCategories = [
  'crash',
  'error',
  'performance',
  'security',
  'network',
  'resource',
  'recovery',
  'health',
] as const;
export type IncidentCategory = (typeof incidentCategories)[number];

/** The recovery that began for it, or a person. */
export const acknowledgers = ['recovery', 'person'] as const;
export type Acknowledger = (typeof acknowledgers)[number];

/** A verified recovery, a person, or nobody: what was wrong went away. */
export type Resolver = 'recovery' | 'person' | 'itself';

/**
 * The record of one recovery, or of anything else that needs a person's eye: a fold of the events that carry its id.
 *
 *   (nothing) ──opened──▶ open ──acknowledged──▶ open, acknowledged ──resolved──▶ resolved
 *                          └────────────────────resolved────────────────────────────▲
 */
export interface Incident {
  readonly id: IncidentId;
  /** Whom it is about; `host` for the machine and for what no component can be blamed for. */
  readonly component: ComponentName;
  /** The breaker that opened, when that is what it is about: such an incident ends when the breaker closes. */
  readonly breaker: string | null;
  readonly severity: IncidentSeverity;
  readonly category: IncidentCategory;
  readonly title: string;
  readonly description: string;
  /** What similar incidents share. */
  readonly signature: string;
  /** When the fault began, as far as is known; never after `openedAt`. */
  readonly startedAt: EpochMs;
  readonly openedAt: EpochMs;
  readonly acknowledged: { readonly at: EpochMs; readonly by: Acknowledger } | null;
  readonly resolved: { readonly at: EpochMs; readonly by: Resolver; readonly resolution: string } | null;
  /** How often the fault came again while it was open. */
  readonly repeats: number;
  /** The recovery under way; null: none is. */
  readonly recovering: RecoveryId | null;
  /** The last incident of the same kind, when it had been resolved only a short time before. */
  readonly previous: IncidentId | null;
}

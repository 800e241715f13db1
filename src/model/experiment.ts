/** The metric label `outcome` of experiments. */
export const experimentOutcomes = ['passed', 'failed', 'partial', 'error', 'skipped', 'aborted', 'invalid'] as const;
export type ExperimentOutcome = (typeof experimentOutcomes)[number];

/** One thing that had to be true after a fault. `essential`: without it nothing was recovered. */
export interface ExperimentCheck {
  readonly name: string;
  readonly passed: boolean;
  readonly essential: boolean;
  readonly detail: string;
}

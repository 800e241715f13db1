import type { ComponentName, RestoreSource } from '../model/index.ts';
import type { Fault } from './fault.ts';
import type { Subject } from './subject.ts';

/** What a person expects of a recovery, ms. */
export interface Objectives {
  readonly rtoMs: number;
  readonly rpoMs: number;
}

/** All that was seen of a component around a fault: what the checks judge, and nothing else. */
export interface Observation {
  readonly component: ComponentName;
  readonly timeoutMs: number;
  readonly objectives: Objectives;
  /** It had a checkpoint or a journal to be given back. */
  readonly hadState: boolean;
  /** Fault to verified healthy; null: it never was. */
  readonly rtoMs: number | null;
  /** Why it was not brought back, as far as it was said. */
  readonly gaveUp: string | null;
  /** What its new life was given; null: it has not asked. */
  readonly restored: {
    readonly source: RestoreSource;
    readonly outcome: 'success' | 'failure';
    readonly entriesReplayed: number;
    readonly dataLossMs: number;
  } | null;
  /** Who was up just before the fault, and everybody at the end. */
  readonly upBefore: readonly Subject[];
  readonly after: readonly Subject[];
}

/** One thing that must be true after a fault. */
export interface Expectation {
  readonly name: string;
  /** Without it nothing was recovered. */
  readonly essential: boolean;
  /** Pure. @returns null when it asks for something that the component never had. */
  judge(observation: Observation): { readonly passed: boolean; readonly detail: string } | null;
}

/** A recovery test with a real fault. */
export interface Experiment {
  readonly kind: string;
  readonly summary: string;
  /** The component that it is made on when nobody is named. */
  readonly target: string;
  readonly fault: Fault;
  /** How long the recovery may take before it counts as none. */
  readonly timeoutMs: number;
  readonly checks: readonly Expectation[];
}

export const defineExperiment = <E extends Experiment>(experiment: E): E => experiment;

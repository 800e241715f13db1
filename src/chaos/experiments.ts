import type { Experiment } from './experiment.ts';
import type { Finished } from './runner.ts';

/** One experiment with what is known of it now. */
export interface ExperimentInfo {
  readonly experiment: Experiment;
  readonly active: boolean;
  /** The last one that began, of this daemon or the ones before; one that was skipped is no run. */
  readonly lastRun: Finished | null;
}

export interface RunOptions {
  /** Whom to hurt; unless given, the experiment's own target. */
  readonly component?: string | undefined;
  readonly timeoutMs?: number | undefined;
}

/** Recovery tests with real faults, one at a time. */
export interface Experiments {
  list(): readonly ExperimentInfo[];
  /**
   * Resolves with the verdict, whatever it is, when nothing of the fault is left. Rejects before anything has
   * happened: EXPERIMENT_NOT_FOUND, COMPONENT_NOT_FOUND, ACTION_REFUSED (another one runs, or nobody can be its
   * target), NOT_READY, SHUTTING_DOWN.
   */
  run(name: string, options?: RunOptions): Promise<Finished>;
}

/** What only the supervisor may ask of them. */
export interface ExperimentControl extends Experiments {
  /** Finishes what a daemon that died had begun, and puts right what its fault has left. Rejects when it could not. */
  resume(): Promise<void>;
  /** The daemon stops: the one that runs is aborted. */
  stop(): void;
}

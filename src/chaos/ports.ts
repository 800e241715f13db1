import type { Clock } from '../clock.ts';
import type { ComponentName, Emit, Listener, ProcessIdentity, RecoveryEvent } from '../model/index.ts';
import type { Objectives } from './experiment.ts';
import type { Subject } from './subject.ts';

/** What experiments need of the house around them. */
export interface ExperimentPorts {
  readonly clock: Clock;
  readonly emit: Emit;
  /** Hears every event after the supervisor has acted on it. @returns how to stop hearing. */
  readonly subscribe: (listener: Listener) => () => void;
  /** Everybody, those first whom others depend on. */
  readonly components: () => readonly Subject[];
  /** Whether it has saved anything that its next life is to be given. */
  readonly remembers: (component: ComponentName) => Promise<boolean>;
  /** Starts it as a person would. Resolves with one line for people, when it is verified healthy. */
  readonly start: (component: ComponentName) => Promise<string>;
  /** The process is running, and it is the one meant. */
  readonly sameProcess: (process: ProcessIdentity) => boolean;
  readonly objectivesOf: (component: ComponentName) => Objectives;
  /** Throws when nothing may be begun now: NOT_READY, SHUTTING_DOWN. */
  readonly allow: () => void;
  /** What experiments did under earlier daemons, and when those started; oldest first. */
  readonly past: readonly RecoveryEvent[];
}

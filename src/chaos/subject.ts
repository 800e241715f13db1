import type {
  ComponentName,
  ComponentStateName,
  HealthStatus,
  IncarnationId,
  Priority,
  ProcessIdentity,
} from '../model/index.ts';

/** One component as an experiment sees it, at one moment. */
export interface Subject {
  readonly component: ComponentName;
  readonly priority: Priority;
  readonly enabled: boolean;
  /** Held down by a person. */
  readonly held: boolean;
  readonly state: ComponentStateName;
  readonly health: HealthStatus;
  /** null: nothing of it lives. */
  readonly process: ProcessIdentity | null;
  readonly incarnation: IncarnationId | null;
  /** Why it is in this state, for people; empty when there is nothing to say. */
  readonly why: string;
}

/** It serves, well or degraded. */
export const isUp = ({ state }: Subject): boolean => state === 'running' || state === 'degraded';

/** Its state with the reason, for people. */
export const stateOf = ({ state, why }: Subject): string => (why === '' ? state : `${state} (${why})`);

/** Why nothing could be learnt from a fault in it now; undefined: it is well. */
export function unsteady(subject: Subject): string | undefined {
  const { component, state, health } = subject;
  if (state === 'running' && health === 'healthy' && subject.process !== null) return undefined;
  if (!subject.enabled) return `${component} is not enabled`;
  if (subject.held) return `${component} is held down by a person`;
  if (state === 'running' && health === 'healthy')
    return `${component} has no process of this machine that is known, and the fault needs one`;
  return `${component} is not well before the fault: ${stateOf(subject)}, health ${health}`;
}

/** Whom an experiment is made on when nobody is named: `preferred`, else the first of priority critical. */
export function chooseTarget(subjects: readonly Subject[], preferred: string): Subject | undefined {
  const enabled = subjects.filter((subject) => subject.enabled);
  return (
    enabled.find(({ component }) => component === preferred) ?? enabled.find(({ priority }) => priority === 'critical')
  );
}

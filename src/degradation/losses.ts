import type { ComponentName, RecoveryEvent } from '../model/index.ts';

/** A component is not there for good any more, or is there again. */
export interface Change {
  readonly component: ComponentName;
  /** In words that follow its name; null: it is there again, or nobody speaks of it any more. */
  readonly why: string | null;
}

/** What an event says of a component's being there; null: nothing. What is being brought back is not lost. */
export function changeBy(event: RecoveryEvent): Change | null {
  if (event.type === 'component.failed') return { component: event.component, why: 'has failed' };
  if (event.type === 'component.held') return { component: event.component, why: 'was stopped' };
  if (event.type === 'component.ready' || event.type === 'component.removed')
    return { component: event.component, why: null };
  if (event.type !== 'restart.decided') return null;
  const { component, decision } = event;
  // What still lives is ended only then: nobody is to lean on it any more.
  if (decision.kind === 'fail') return { component, why: 'has failed' };
  // An exit code that means done is a welcome end: what it has done is there.
  return decision.kind === 'stay' && decision.rule !== 'exit_codes'
    ? { component, why: 'has ended and is not started again' }
    : null;
}

import type { ComponentName, Decision, EpochMs } from '../model/index.ts';
import type { RestartRequest } from '../restart/index.ts';

/** What became of a dependency that was blamed. `restarted`: it is up again. `in vain`: nobody brings it back. */
export type BlameOutcome = 'pending' | 'restarted' | 'in vain';

/** What has become of a dependency that was blamed at `at`. */
export type OutcomeOf = (dependency: ComponentName, at: EpochMs) => BlameOutcome;

/** A request that was told to wait. */
export interface Deferred {
  readonly request: RestartRequest;
  readonly decision: Extract<Decision, { kind: 'wait' | 'blame' }>;
  readonly at: EpochMs;
  readonly why: string;
}

/**
 * What is asked for when one that waits looks again: the same, or, with its dependency back, one more try that no
 * budget counts; null: it waits on.
 */
export function askAgain({ request, decision, at }: Deferred, outcomeOf: OutcomeOf): RestartRequest | null {
  if (decision.kind === 'wait') return request;
  const outcome = outcomeOf(decision.dependency, at);
  if (outcome === 'pending') return null;
  return outcome === 'restarted' ? { ...request, reason: 'dependency', crash: null } : request;
}

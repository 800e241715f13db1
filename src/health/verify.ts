import type { CheckOutcome } from '../model/index.ts';
import type { Verification } from './health-monitor.ts';

/** One wait for a component to prove itself: settles once. */
export interface Verifying {
  readonly pending: ReadonlySet<string>;
  readonly outcome: Promise<Verification>;
  /** @returns true when the check has now passed. */
  note(check: string, outcome: CheckOutcome): boolean;
  /** Ends it: verified when nothing is pending. */
  end(): void;
}

/** What counts as well while a component starts. */
export const passes = (outcome: CheckOutcome): boolean => outcome === 'healthy' || outcome === 'degraded';

export function createVerifying(checks: Iterable<string>): Verifying {
  const pending = new Set(checks);
  const passed: string[] = [];
  const { promise, resolve } = Promise.withResolvers<Verification>();
  return {
    pending,
    outcome: promise,
    note(check, outcome) {
      if (!passes(outcome) || !pending.delete(check)) return false;
      passed.push(check);
      return true;
    },
    end: () =>
      resolve(pending.size === 0 ? { verified: true, checks: passed } : { verified: false, waitingFor: [...pending] }),
  };
}

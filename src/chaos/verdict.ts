import type { ExperimentCheck, ExperimentOutcome } from '../model/index.ts';
import type { Expectation, Observation } from './experiment.ts';

export interface Verdict {
  readonly outcome: Extract<ExperimentOutcome, 'passed' | 'failed' | 'partial' | 'invalid'>;
  /** For people: what did not come true, or that all did. */
  readonly why: string;
  readonly checks: ExperimentCheck[];
}

/**
 * What was proven, pure: *passed* when all that was expected came true, *failed* when something essential did not or
 * nothing did, *partial* in between, *invalid* when there was nothing to expect.
 */
export function judge(expectations: readonly Expectation[], observation: Observation): Verdict {
  const checks = expectations.flatMap(({ name, essential, judge: ask }) => {
    const judged = ask(observation);
    return judged ? [{ name, essential, ...judged }] : [];
  });
  const missed = checks.filter(({ passed }) => !passed);
  if (checks.length === 0) return { outcome: 'invalid', why: 'nothing was there to be checked', checks };
  if (missed.length === 0) return { outcome: 'passed', why: `all ${checks.length} checks passed`, checks };
  const failed = missed.length === checks.length || missed.some(({ essential }) => essential);
  const why = missed.map(({ name, detail }) => `${name}: ${detail}`).join('; ');
  return { outcome: failed ? 'failed' : 'partial', why, checks };
}

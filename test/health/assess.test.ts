import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assess, freshStreak, type Thresholds } from '../../src/health/index.ts';
import { checkOutcomes, type CheckOutcome } from '../../src/model/index.ts';

const letters: Record<string, CheckOutcome> = {
  h: 'healthy',
  d: 'degraded',
  u: 'unhealthy',
  c: 'critical',
  '?': 'unknown',
  t: 'timeout',
};

function play(history: string, thresholds: Thresholds) {
  let streak = freshStreak;
  const trips: number[] = [];
  history.split('').forEach((letter, at) => {
    const next = assess(streak, letters[letter]!, thresholds);
    streak = next.streak;
    if (next.trips) trips.push(at);
  });
  return { trips, failures: streak.failures };
}

describe('check thresholds', () => {
  it.each([
    { history: 'uu', trips: [], failures: 2, why: 'two failures are not three' },
    { history: 'uuu', trips: [2], failures: 3, why: 'the third failure in a row acts' },
    { history: 'utu', trips: [2], failures: 3, why: 'a timeout is a failure' },
    { history: 'uuuuuuu', trips: [2], failures: 7, why: 'it acts once per streak' },
    { history: 'uuhuu', trips: [], failures: 2, why: 'one success begins anew' },
    { history: 'uuhuuu', trips: [5], failures: 3, why: 'a streak after a success counts from one' },
    { history: 'uuuhuuu', trips: [2, 6], failures: 3, why: 'it acts again after it was well' },
    { history: 'uud?u', trips: [4], failures: 3, why: 'degraded and unknown do not reset' },
    { history: 'd?d?d?', trips: [], failures: 0, why: 'degraded and unknown do not count' },
    { history: 'c', trips: [0], failures: 1, why: 'one critical result acts at once' },
    { history: 'cuuuc', trips: [0], failures: 5, why: 'what acted as critical does not act again at the threshold' },
    { history: 'chc', trips: [0, 2], failures: 1, why: 'critical again after it was well acts again' },
  ])('$history: $why', ({ history, trips, failures }) => {
    expect(play(history, { failure_threshold: 3, success_threshold: 1 })).toEqual({ trips, failures });
  });

  it.each([
    { history: 'uuuhuuu', trips: [2], failures: 6, why: 'one success of two is not yet well' },
    { history: 'uuuhhuuu', trips: [2, 7], failures: 3, why: 'two successes are' },
    { history: 'uuuhduh', trips: [2], failures: 4, why: 'a failure between them starts the count again' },
    { history: 'uuuhdh', trips: [2], failures: 0, why: 'degraded between them does not' },
  ])('success_threshold 2, $history: $why', ({ history, trips, failures }) => {
    expect(play(history, { failure_threshold: 3, success_threshold: 2 })).toEqual({ trips, failures });
  });

  it('records failures that do not count without counting them', () => {
    const thresholds = { failure_threshold: 1, success_threshold: 1 };
    expect(assess(freshStreak, 'critical', thresholds, false)).toEqual({ streak: freshStreak, trips: false });
  });

  it('agrees with a naive reading of the whole history', () => {
    const history = fc.array(fc.constantFrom(...checkOutcomes), { maxLength: 60 });
    fc.assert(
      fc.property(history, fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 3 }), (outcomes, f, s) => {
        const thresholds = { failure_threshold: f, success_threshold: s };
        let streak = freshStreak;
        outcomes.forEach((outcome, at) => {
          const next = assess(streak, outcome, thresholds);
          streak = next.streak;
          expect({ trips: next.trips, failures: streak.failures }).toEqual(naive(outcomes.slice(0, at + 1), f, s));
        });
      }),
    );
  });
});

/** Says of the last result of a history whether it acts, by looking back from it each time. */
function naive(all: readonly CheckOutcome[], failureThreshold: number, successThreshold: number) {
  const telling = all.filter((outcome) => outcome !== 'degraded' && outcome !== 'unknown');
  let since = 0;
  for (let end = 1; end <= telling.length; end++) {
    const run = telling.slice(Math.max(0, end - successThreshold), end);
    if (run.length === successThreshold && run.every((outcome) => outcome === 'healthy')) since = end;
  }
  const failures = telling.slice(since).filter((outcome) => outcome !== 'healthy');
  const acted = (list: readonly CheckOutcome[]) => list.includes('critical') || list.length >= failureThreshold;
  const last = all.at(-1);
  const isTelling = last === 'unhealthy' || last === 'critical' || last === 'timeout';
  return { trips: isTelling && acted(failures) && !acted(failures.slice(0, -1)), failures: failures.length };
}

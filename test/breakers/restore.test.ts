import { describe, expect, it } from 'vitest';
import { restore } from '../../src/breakers/restore.ts';
import { breakerStates, epochMs, type BreakerState, type EventOf } from '../../src/model/index.ts';

const AT = 1_000_000;

const event = (to: BreakerState, until: number | null = null): EventOf<'breaker.transitioned'> => ({
  type: 'breaker.transitioned',
  at: epochMs(AT),
  breaker: 'gpt_api',
  from: 'closed',
  to,
  trigger: 'policy',
  reason: '5 failures in a row',
  caller: null,
  firstFailureAt: null,
  until: until === null ? null : epochMs(until),
});
const after = (ms: number) => ({ monotonic: 50, wall: epochMs(AT + ms) });

describe('a breaker of an earlier daemon', () => {
  it.each([
    { when: 'a while later', ms: 12_345, leftMs: 17_655 },
    { when: 'at the end of its time', ms: 30_000, leftMs: 0 },
    { when: 'long after', ms: 1e9, leftMs: 0 },
    { when: 'after the wall clock was put back', ms: -3_600_000, leftMs: 30_000 },
  ])('that was open has exactly its time left $when', ({ ms, leftMs }) => {
    expect(restore(event('open', AT + 30_000), 7, after(ms))).toMatchObject({
      is: 'open',
      until: 50 + leftMs,
      epoch: 7,
    });
  });

  it.each(breakerStates.filter((state) => state !== 'open' && state !== 'disabled'))(
    'that was %s is so again',
    (to) => {
      const condition = restore(event(to), 7, after(5_000));
      expect(condition).toMatchObject({ is: to, since: 50 - 5_000, callsFrom: 50 - 5_000 });
      if (condition.is === 'half_open') expect(condition).toMatchObject({ probes: [], successes: 0 });
    },
  );
});

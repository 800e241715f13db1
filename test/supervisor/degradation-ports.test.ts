import { describe, expect, it } from 'vitest';
import { componentName, epochMs, type CheckOutcome, type ComponentState, type EventOf } from '../../src/model/index.ts';
import { degradationPorts } from '../../src/supervisor/degradation-ports.ts';
import type { House } from '../../src/supervisor/house.ts';
import { fold, newRecord } from '../../src/supervisor/state.ts';

const tts = componentName('tts');
const at = epochMs(Date.UTC(2026, 10, 23, 12));

describe('why a component is not there, after the death of a daemon', () => {
  const ended: ComponentState = { is: 'stopped', since: at, why: '', settled: false };
  /** As the record of a component tells it, however long ago it was decided. */
  const left = (rule: string): ComponentState => {
    const about = { type: 'restart.decided', component: tts, at, reason: 'crash', by: 'supervisor' } as const;
    const decided: EventOf<'restart.decided'> = { ...about, decision: { kind: 'stay', rule, why: '' }, counted: true };
    return fold(newRecord(tts, at), decided).state;
  };

  it.each<[string, ComponentState, boolean, string | null]>([
    ['failed', { is: 'failed', since: at, why: '' }, false, 'has failed'],
    ['held', ended, true, 'was stopped'],
    ['left by its policy', left('no_restart'), false, 'has ended and is not started again'],
    ['done with what it had to do', left('exit_codes'), false, null],
    ['about to be started', ended, false, null],
    ['waiting', { is: 'backoff', since: at, until: null, why: '' }, false, null],
  ])('%s', (_, state, held, why) => {
    const record = { ...newRecord(tts, at), state, held };
    const house = { bus: { record: () => record } } as unknown as House;
    expect(degradationPorts(() => house).goneBecause(tts)).toBe(why);
  });
});

describe('the network', () => {
  const check = (name: string, outcome: CheckOutcome, consecutiveFailures: number, kind = 'network', ran = true) => ({
    check: name,
    kind,
    outcome,
    consecutiveFailures,
    at: ran ? at : null,
  });

  it.each([
    ['nobody looks after', [], null],
    ['only others are asked after', [check('disk', 'critical', 9, 'disk')], null],
    ['was not asked after yet', [check('one', 'unknown', 0, 'network', false)], 'failing'],
    ['answers', [check('one', 'healthy', 0)], 'connected'],
    ['has failed less often than its threshold', [check('one', 'timeout', 1)], 'failing'],
    ['cannot be asked', [check('one', 'unknown', 0)], null],
    [
      'is lost by one way and not known by another',
      [check('one', 'timeout', 2), check('two', 'unknown', 0)],
      'failing',
    ],
    ['has failed often enough', [check('one', 'timeout', 2)], 'lost'],
    ['is critical at once', [check('one', 'critical', 1)], 'lost'],
    ['is lost by one way only', [check('one', 'unhealthy', 9), check('two', 'degraded', 0)], 'connected'],
    ['is lost by both', [check('one', 'unhealthy', 9), check('two', 'timeout', 2)], 'lost'],
  ])('%s', (_, checks, network) => {
    const plan = { failure_threshold: 2 };
    const house = {
      readings: { host: null },
      monitor: { checks: () => checks },
      loaded: { config: { host: { checks: { one: plan, two: plan } } } },
    } as unknown as House;
    expect(degradationPorts(() => house).read()).toEqual({ cpu: null, memory: null, network });
  });
});

import { describe, expect, it } from 'vitest';
import type { CheckOutcome } from '../../src/model/index.ts';
import { CheckSampler, type CheckSampling } from '../../src/telemetry/check-sampler.ts';
import { samples } from './events.ts';

let nth = 0;
const run = (outcome: CheckOutcome = 'healthy', check = 'api') => ({
  ...samples['check.completed'],
  at: (samples['check.completed'].at + nth++) as never,
  check,
  outcome,
});

const keptOf = (sampler: CheckSampler, count: number): number =>
  Array.from({ length: count }, () => sampler.keeps(run())).filter(Boolean).length;

describe('the choice of runs that become spans', () => {
  it.each<{ sampling: CheckSampling; of: number; atLeast: number; atMost: number }>([
    { sampling: 'auto', of: 50, atLeast: 50, atMost: 50 },
    { sampling: 'auto', of: 2_050, atLeast: 55, atMost: 90 },
    { sampling: 'all', of: 500, atLeast: 500, atMost: 500 },
    { sampling: 'none', of: 500, atLeast: 0, atMost: 0 },
  ])('$sampling takes $atLeast to $atMost of $of healthy ones in a second', ({ sampling, of, atLeast, atMost }) => {
    const kept = keptOf(new CheckSampler(sampling, () => 0), of);
    expect(kept).toBeGreaterThanOrEqual(atLeast);
    expect(kept).toBeLessThanOrEqual(atMost);
  });

  it('begins anew each second', () => {
    let now = 0;
    const sampler = new CheckSampler('auto', () => now);
    keptOf(sampler, 50);
    now = 1_000;
    expect(keptOf(sampler, 50)).toBe(50);
  });

  it('always takes failures and changes', () => {
    const sampler = new CheckSampler('none', () => 0);
    expect(sampler.keeps(run('healthy'))).toBe(false);
    expect(sampler.keeps(run('unhealthy'))).toBe(true);
    expect(sampler.keeps(run('timeout'))).toBe(true);
    expect(sampler.keeps(run('healthy'))).toBe(true);
    expect(sampler.keeps(run('healthy'))).toBe(false);
    expect(sampler.keeps(run('degraded', 'other'))).toBe(false);
    expect(sampler.keeps(run('degraded'))).toBe(true);
    sampler.forget(samples['check.completed'].component);
    expect(sampler.keeps(run('healthy'))).toBe(false);
  });
});

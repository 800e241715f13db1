import { describe, expect, it } from 'vitest';
import { overall, worst, type Part } from '../../src/health/index.ts';
import type { HealthStatus, Priority } from '../../src/model/index.ts';

const parts = (counts: Partial<Record<HealthStatus, number>>, priority: Priority = 'high'): Part[] =>
  Object.entries(counts).flatMap(([status, count]) =>
    Array.from({ length: count }, (_, n) => ({
      component: `${status}-${n}`,
      priority,
      status: status as HealthStatus,
    })),
  );

describe('overall health', () => {
  it.each([
    { counts: {}, is: 'unknown' },
    { counts: { healthy: 3 }, is: 'healthy' },
    { counts: { healthy: 3, unknown: 1 }, is: 'unknown' },
    { counts: { unknown: 2 }, is: 'unknown' },
    { counts: { degraded: 1 }, is: 'healthy' },
    { counts: { degraded: 5 }, is: 'healthy' },
    { counts: { degraded: 6 }, is: 'degraded' },
    { counts: { degraded: 6, unknown: 1 }, is: 'degraded' },
    { counts: { unhealthy: 1, healthy: 20 }, is: 'degraded' },
    { counts: { unhealthy: 2 }, is: 'degraded' },
    { counts: { unhealthy: 3 }, is: 'unhealthy' },
    { counts: { unhealthy: 2, degraded: 9 }, is: 'degraded' },
    { counts: { critical: 1, healthy: 20 }, is: 'critical' },
    { counts: { critical: 1, unhealthy: 5, degraded: 9, unknown: 2 }, is: 'critical' },
  ])('$counts is $is', ({ counts, is }) => {
    expect(overall(parts(counts))).toBe(is);
  });

  it('is unhealthy when one component of critical priority is', () => {
    expect(overall(parts({ unhealthy: 1, healthy: 9 }, 'critical'))).toBe('unhealthy');
    expect(overall([...parts({ unhealthy: 1 }, 'low'), ...parts({ healthy: 9 }, 'critical')])).toBe('degraded');
  });
});

describe('the worst of many results', () => {
  it.each([
    { outcomes: [], is: 'healthy' },
    { outcomes: ['healthy', 'healthy'], is: 'healthy' },
    { outcomes: ['healthy', 'unknown'], is: 'unknown' },
    { outcomes: ['unknown', 'degraded', 'healthy'], is: 'degraded' },
    { outcomes: ['degraded', 'unhealthy', 'unknown'], is: 'unhealthy' },
    { outcomes: ['degraded', 'timeout'], is: 'unhealthy' },
    { outcomes: ['unhealthy', 'critical'], is: 'critical' },
  ] as const)('$outcomes is $is', ({ outcomes, is }) => {
    expect(worst(outcomes)).toBe(is);
  });
});

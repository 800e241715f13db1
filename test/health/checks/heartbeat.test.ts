import { describe, expect, it } from 'vitest';
import { heartbeat } from '../../../src/health/checks/heartbeat.ts';
import { epochMs, type HealthStatus } from '../../../src/model/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { context } from '../context.ts';

const clock = new FakeClock();
const ago = (ms: number | null) => (ms === null ? null : epochMs(clock.now() - ms));

describe('heartbeat check', () => {
  it.each([
    { startedAgo: null, beatAgo: null, status: 'unknown' },
    { startedAgo: 30_000, beatAgo: null, status: 'unknown' },
    { startedAgo: 30_001, beatAgo: null, status: 'unhealthy', severity: 10 },
    { startedAgo: 90_000, beatAgo: 30_000, status: 'healthy' },
    { startedAgo: 90_000, beatAgo: 30_001, status: 'unhealthy', message: 'no heartbeat for 30s' },
  ])('started $startedAgo ms ago, heard $beatAgo ms ago: $status', async ({ startedAgo, beatAgo, ...expected }) => {
    const at = ago(beatAgo);
    const beat = at === null ? null : { at, status: 'healthy' as const, message: '', progress: null };
    const asked = context({ clock }, { heartbeat: () => beat, startedAt: () => ago(startedAgo) });
    expect(await heartbeat.run(heartbeat.options.parse({}), asked)).toMatchObject(expected);
  });

  it.each<{ status: HealthStatus; severity: number }>([
    { status: 'degraded', severity: 5 },
    { status: 'unhealthy', severity: 8 },
    { status: 'critical', severity: 10 },
    { status: 'unknown', severity: 0 },
  ])('passes on what the component says of itself: $status', async ({ status, severity }) => {
    const asked = context(
      { clock },
      { heartbeat: () => ({ at: clock.now(), status, message: 'queue is full', progress: 3 }) },
    );
    expect(await heartbeat.run(heartbeat.options.parse({}), asked)).toEqual({
      status,
      severity,
      message: 'queue is full',
    });
  });
});

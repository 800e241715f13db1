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

  describe('that is asked about progress', () => {
    const options = heartbeat.options.parse({ progress_timeout: '30s' });
    const life = (plan: unknown) => {
      const time = new FakeClock();
      let beat = { status: 'healthy' as HealthStatus, progress: null as number | null };
      const asked = context(
        { clock: time },
        { heartbeat: () => ({ at: time.now(), message: '', ...beat }), startedAt: () => time.now() },
      );
      return async (afterMs: number, progress: number | null, status: HealthStatus = 'healthy') => {
        await time.advance(afterMs);
        beat = { status, progress };
        return heartbeat.run(plan, asked);
      };
    };

    it('is unhealthy when it beats and does not get on, and well as soon as it does', async () => {
      const look = life(options);
      expect(await look(0, 7)).toMatchObject({ status: 'healthy' });
      expect(await look(30_000, 7)).toMatchObject({ status: 'healthy' });
      expect(await look(10_000, 7)).toEqual({
        status: 'unhealthy',
        severity: 8,
        message: 'it beats, and its progress has been 7 for 40s',
      });
      expect(await look(10_000, 7, 'critical')).toMatchObject({ status: 'critical' });
      expect(await look(10_000, 8)).toMatchObject({ status: 'healthy' });
      expect(await look(30_000, 8)).toMatchObject({ status: 'healthy' });
      // Backwards is a change too: a counter may begin anew.
      expect(await look(1, 0)).toMatchObject({ status: 'healthy' });
    });

    it('is degraded when it never tells any', async () => {
      const look = life(options);
      expect(await look(0, null)).toMatchObject({ status: 'healthy' });
      expect(await look(30_001, null)).toMatchObject({ status: 'degraded', message: 'it beats and tells no progress' });
    });

    it('only then', async () => {
      const look = life(heartbeat.options.parse({}));
      await look(0, 7);
      expect(await look(3_600_000, 7)).toMatchObject({ status: 'healthy' });
    });
  });
});

import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { measureLoopLag } from '../../src/telemetry/loop-lag.ts';
import { FakeClock } from '../support/fake-clock.ts';

it('tells how late the timer of each second came, since the last scrape, without its interval', async () => {
  const registry = new Registry();
  const clock = new FakeClock();
  const end = measureLoopLag(registry, clock);
  const scrape = async () => {
    const text = await registry.metrics();
    const values = [...text.matchAll(/^nodejs_eventloop_lag_(?:(\w+)_)?seconds (\S+)$/gm)];
    return Object.fromEntries(values.map(([, kind = 'newest', value]) => [kind, Number(value)]));
  };
  expect(await scrape()).toEqual({ newest: 0, min: 0, max: 0, mean: 0, stddev: 0, p50: 0, p90: 0, p99: 0 });
  await clock.advance(3_000);
  clock.skip(1_250);
  await clock.advance(1_000);
  const late = await scrape();
  expect(late.newest).toBeCloseTo(0, 3);
  expect(late.min).toBeLessThan(0.001);
  expect(late.max).toBeCloseTo(0.25, 2);
  expect(late.p99).toBeCloseTo(0.25, 2);
  // Begins anew with each scrape.
  await clock.advance(2_000);
  expect((await scrape()).max).toBeLessThan(0.001);
  end();
  expect(clock.pending).toBe(0);
});

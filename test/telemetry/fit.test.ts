import { describe, expect, it } from 'vitest';
import { tooMany } from '../../src/telemetry/fit.ts';
import { createMetrics, toMetrics, type Names } from '../../src/telemetry/index.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { samples } from './events.ts';

const namesOf = (components: number, checks: number): Names => ({
  components: Object.fromEntries(
    Array.from({ length: components }, (_, index) => [
      `c${index}`,
      { checks: Array.from({ length: checks }, (_, check) => `k${check}`) },
    ]),
  ),
  hostChecks: ['disk'],
  breakers: [],
});
const LIMIT = 12_000;
const histogram = 'paramedic_health_check_duration_seconds';
const counter = 'paramedic_health_checks_total';

describe('metrics of very many checks', () => {
  it('are all there with as many as anyone has', () => {
    expect(tooMany(namesOf(25, 10), LIMIT, 'auto')).toEqual(new Set());
  });

  it('lose their histograms first, then what no longer fits', () => {
    expect(tooMany(namesOf(50, 10), LIMIT, 'auto')).toEqual(new Set([histogram]));
    expect(tooMany(namesOf(100, 8), LIMIT, 'auto')).toContain('paramedic_health_check_last_success_timestamp_seconds');
    expect(tooMany(namesOf(100, 8), LIMIT, 'auto')).not.toContain(counter);
    expect(tooMany(namesOf(100, 100), LIMIT, 'auto')).toContain(counter);
  });

  it('stay as they are when asked for', () => {
    expect(tooMany(namesOf(100, 100), LIMIT, 'all')).toEqual(new Set());
  });

  it('count the runs of a component in one, and come back after a reload', async () => {
    const gauges = () => [];
    const metrics = createMetrics({
      seriesLimit: LIMIT,
      names: namesOf(100, 100),
      nodeMetrics: false,
      clock: new FakeClock(),
      gauges,
    });
    const run = {
      ...samples['check.completed'],
      component: 'c1',
      outcome: 'healthy',
    } as (typeof samples)['check.completed'];
    const runs = () => metrics.apply(['k1', 'k2'].flatMap((check) => toMetrics({ ...run, check })));
    const lines = async () =>
      (await metrics.render('classic')).body
        .split('\n')
        .filter((line) => /component="c1".*[^0]$/.test(line) && !line.includes('_bucket'));
    runs();
    expect(await lines()).toEqual([`${counter}{component="c1",check="_OTHER",result="healthy"} 2`]);
    metrics.configure(namesOf(3, 3));
    runs();
    expect(await lines()).toContain(`${counter}{component="c1",check="k1",result="healthy"} 1`);
    expect((await lines()).join('\n')).toContain(`${histogram}_count{component="c1",check="k2"} 1`);
    expect((await lines()).join('\n')).not.toContain('_OTHER');
  });
});

import { createHistogram } from 'node:perf_hooks';
import { Gauge, type Registry } from 'prom-client';
import { PULSE_MS, type Clock } from '../clock.ts';

const PER_SECOND = 1e9;
/** An hour, in ns; with three figures and no bound a histogram takes a third of a megabyte. */
const LONGEST_NS = 3.6e12;

/** Days: the library's own timer, which cannot be left out. */
export const NEVER_MS = 2 ** 31 - 1;

/**
 * `nodejs_eventloop_lag_*` as every Node program has them, measured by how late a timer comes that fires once a second
 * anyway, in place of the library's. That wakes this process ten to a hundred times a second, a quarter of what an idle
 * daemon costs, and counts its own interval in.
 * @returns how to end it.
 */
export function measureLoopLag(registry: Registry, clock: Clock): () => void {
  const lags = createHistogram({ lowest: 1, highest: LONGEST_NS, figures: 2 });
  const gauge = (kind: string, help: string, collect: (gauge: Gauge) => void): void => {
    const name = `nodejs_eventloop_lag_${kind}seconds`;
    registry.removeSingleMetric(name);
    const own: Gauge = new Gauge({ name, help, registers: [registry], collect: () => collect(own) });
  };
  let newest = 0;
  gauge('', 'Lag of event loop in seconds.', (self) => self.set(newest / PER_SECOND));
  const statistics = {
    min: () => (lags.count === 0 ? 0 : lags.min),
    max: () => lags.max,
    mean: () => (lags.count === 0 ? 0 : lags.mean),
    stddev: () => (lags.count === 0 ? 0 : lags.stddev),
    p50: () => lags.percentile(50),
    p90: () => lags.percentile(90),
    p99: () => lags.percentile(99),
  };
  const names = Object.keys(statistics) as (keyof typeof statistics)[];
  for (const name of names)
    gauge(`${name}_`, `Event loop delay since the last scrape: ${name}.`, (self) => {
      self.set(statistics[name]() / PER_SECOND);
      if (name === 'p99') lags.reset();
    });
  return clock.every(PULSE_MS, (lateMs) => {
    newest = Math.min(LONGEST_NS, Math.max(1, Math.round(lateMs * 1e6)));
    lags.record(newest);
  });
}

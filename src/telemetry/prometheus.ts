import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry, type OpenMetricsContentType } from 'prom-client';
import type { Clock } from '../clock.ts';
import { buckets, catalogue, metricNames, type Exemplar, type MetricName, type MetricUpdate } from './catalogue.ts';
import { countSeries, toClassic } from './exposition.ts';
import { measureLoopLag, NEVER_MS } from './loop-lag.ts';
import { tooMany, type CheckSeries } from './fit.ts';
import { createGuard, OTHER, type Labels } from './guard.ts';
import { zeroes, type Names } from './zeroes.ts';

export interface MetricsOptions {
  /** Most series of ours; what is new beyond it is folded. */
  readonly seriesLimit: number;
  readonly names: Names;
  /** Default `auto`: with very many checks their metrics do not tell them apart any more. */
  readonly checkSeries?: CheckSeries;
  /** Asked at each render for every gauge: `toGauges` of a fresh snapshot. */
  readonly gauges: () => readonly MetricUpdate[];
  readonly clock: Clock;
  /** Node's own metrics too; default true. */
  readonly nodeMetrics?: boolean;
}

export interface Rendered {
  readonly contentType: string;
  readonly body: string;
}

/** The registry behind /metrics. Nothing that is put in makes it throw; garbage is dropped or folded. */
export interface Metrics {
  /**
   * Makes the series that begin with 0, if nothing has needed them yet: for the moment when nobody waits for a start any
   * more, because it takes a millisecond for each component.
   */
  begin(): void;
  /** Counts and observes; the gauges come from `gauges` at each render. */
  apply(updates: readonly MetricUpdate[]): void;
  /** New names after a reload: series of what has gone go, those of what is new begin with 0. */
  configure(names: Names): void;
  render(format: 'openmetrics' | 'classic'): Promise<Rendered>;
  /** Ends its timer. */
  close(): void;
}

const CLASSIC = 'text/plain; version=0.0.4; charset=utf-8';
/** Gauges that are named like counters: `promtool check metrics` refuses them. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

const OVERFLOW: MetricName = 'paramedic_metrics_label_overflow_total';

type Metric = Counter | Gauge | Histogram;

export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry<OpenMetricsContentType>();
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  let close = () => {};
  if (options.nodeMetrics ?? true) {
    const register = registry as unknown as Registry;
    collectDefaultMetrics({ register, eventLoopMonitoringPrecision: NEVER_MS });
    for (const name of MISNAMED) registry.removeSingleMetric(name);
    close = measureLoopLag(register, options.clock);
  }
  const metrics = new Map<MetricName, Metric>(metricNames.map((name) => [name, register(name, registry)]));
  const gaugeNames = metricNames.filter((name) => catalogue[name].type === 'gauge');
  const guard = createGuard(options.seriesLimit, options.names);
  const unfit = (names: Names) => tooMany(names, options.seriesLimit, options.checkSeries ?? 'auto');
  let undivided = unfit(options.names);
  let lastCount = 0;

  function apply(updates: readonly MetricUpdate[]): void {
    for (const { metric, labels, value, exemplar } of updates) put(metric, labels, value, exemplar);
  }

  function put(name: MetricName, asked: Labels, value: number, exemplar?: Exemplar): void {
    const metric = metrics.get(name);
    const negative = value < 0 || !Number.isFinite(value);
    if (metric === undefined || (negative && !(metric instanceof Gauge))) return;
    const wanted = undivided.has(name) ? undivide(metric, asked) : asked;
    if (wanted === null) return;
    const { labels, folded } = guard.admit(name, wanted);
    if (metric instanceof Gauge) metric.set(labels, value);
    else add(metric, labels, value, exemplar);
    // Its own overflow is not counted: beyond the limit that would never end.
    if (folded && name !== OVERFLOW) put(OVERFLOW, { metric: name }, 1);
  }

  /** Series of these are still to be made. */
  let ahead: Names | null = options.names;

  function begin(): void {
    const names = ahead;
    ahead = null;
    if (names === null) return;
    for (const { metric, labels } of zeroes(names)) {
      const target = metrics.get(metric);
      const wanted = undivided.has(metric) && target ? undivide(target, labels) : labels;
      if (wanted === null) continue;
      const { isNew, labels: admitted } = guard.admit(metric, wanted);
      if (!isNew) continue;
      if (target instanceof Histogram) target.zero(admitted);
      else if (target instanceof Counter) add(target, admitted, 0);
    }
  }

  function refresh(): void {
    for (const name of gaugeNames) {
      const gauge = metrics.get(name);
      // A gauge without labels would be reset to 0; it must not be there at all until it is known.
      if (gauge instanceof Gauge) gauge.reset();
      if (Object.keys(catalogue[name].labels).length === 0) gauge?.remove({});
      guard.clear(name);
    }
    apply(options.gauges());
    put('paramedic_metrics_series_limit', {}, options.seriesLimit);
    put('paramedic_metrics_series', {}, lastCount || guard.count());
  }

  return {
    begin,
    apply,
    close,
    configure(names) {
      for (const { metric, labels } of guard.configure(names)) metrics.get(metric)?.remove(labels);
      const before = undivided;
      undivided = unfit(names);
      for (const name of metricNames.filter((name) => undivided.has(name) !== before.has(name))) {
        metrics.get(name)?.reset();
        guard.clear(name);
      }
      ahead = names;
      begin();
    },
    async render(format) {
      const started = performance.now();
      begin();
      refresh();
      const text = await registry.metrics();
      lastCount = countSeries(text);
      const body = format === 'openmetrics' ? text : toClassic(text);
      put('paramedic_metrics_render_duration_seconds', {}, (performance.now() - started) / 1_000);
      return { contentType: format === 'openmetrics' ? registry.contentType : CLASSIC, body };
    },
  };
}

/** The label sets of one component in one: a counter adds them up; of a gauge or a histogram nothing would be left to say. */
const undivide = (metric: Metric, labels: Labels): Labels | null =>
  metric instanceof Counter ? { ...labels, check: OTHER } : null;

function register(name: MetricName, registry: Registry<OpenMetricsContentType>): Metric {
  const { type, help, labels, exemplar = false, buckets: set = 'check' } = catalogue[name];
  const common = { name, help, labelNames: Object.keys(labels), registers: [registry as unknown as Registry] };
  if (type === 'gauge') return new Gauge(common);
  if (type === 'counter') return new Counter({ ...common, enableExemplars: exemplar });
  return new Histogram({ ...common, buckets: [...buckets[set]], enableExemplars: exemplar });
}

/** With exemplars switched on the library takes one object, otherwise labels and value. */
function add(metric: Counter | Histogram, labels: Labels, value: number, exemplar?: Exemplar): void {
  const isCounter = metric instanceof Counter;
  if (!(metric as unknown as { enableExemplars: boolean }).enableExemplars)
    return isCounter ? metric.inc(labels, value) : metric.observe(labels, value);
  const observed =
    exemplar && isAddress(exemplar) ? { labels, value, exemplarLabels: { ...exemplar } } : { labels, value };
  if (isCounter) metric.inc(observed);
  else metric.observe(observed);
}

/** Anything else may be longer than the 128 characters that the library throws at. */
const isAddress = ({ trace_id, span_id }: Exemplar): boolean =>
  /^[0-9a-f]{32}$/.test(trace_id) && /^[0-9a-f]{16}$/.test(span_id);

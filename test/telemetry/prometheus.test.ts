import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { componentName, eventTypes } from '../../src/model/index.ts';
import {
  catalogue,
  createMetrics,
  metricNames,
  toGauges,
  toMetrics,
  type MetricName,
  type MetricUpdate,
  type Names,
  type Snapshot,
} from '../../src/telemetry/index.ts';
import { maxSeries } from '../../src/telemetry/catalogue.ts';
import { countSeries, toClassic } from '../../src/telemetry/exposition.ts';
import { DEFAULT_SIZES } from '../../src/telemetry/reference.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { samples } from './events.ts';
import { component, names, snapshot } from './snapshot.ts';

/** The registry with a snapshot that the test can change; without Node's own metrics unless asked for. */
function create(options: { seriesLimit?: number; names?: Names; nodeMetrics?: boolean } = {}) {
  let now = snapshot();
  const gauges = () => toGauges(now);
  const metrics = createMetrics({
    seriesLimit: 12_000,
    names,
    nodeMetrics: false,
    clock: new FakeClock(),
    gauges,
    ...options,
  });
  return { ...metrics, become: (next: Snapshot) => (now = next) };
}
const everything = eventTypes.flatMap((type) => toMetrics(samples[type]));
const trace = { trace_id: 'a'.repeat(32), span_id: 'b'.repeat(16) };
const crash = (error_type: string, of = 'gmail'): MetricUpdate => ({
  metric: 'paramedic_crashes_total',
  labels: { component: of, type: 'unknown', error_type },
  value: 1,
});
const lines = async (prometheus: ReturnType<typeof create>, pattern: RegExp) =>
  (await prometheus.render('classic')).body.split('\n').filter((line) => pattern.test(line));

describe('exposition', () => {
  it('has each metric once, in both formats', async () => {
    const prometheus = create();
    prometheus.apply(everything);
    const { body: open, contentType } = await prometheus.render('openmetrics');
    const { body: classic, contentType: plain } = await prometheus.render('classic');
    expect([contentType, plain]).toEqual([
      'application/openmetrics-text; version=1.0.0; charset=utf-8',
      'text/plain; version=0.0.4; charset=utf-8',
    ]);
    expect(open.endsWith('# EOF\n')).toBe(true);
    expect(classic).not.toContain('# EOF');
    const types = (text: string) => [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name ?? '');
    expect(types(classic).toSorted()).toEqual(metricNames.toSorted());
    expect(types(open).toSorted()).toEqual(metricNames.map((name) => name.replace(/_total$/, '')).toSorted());
  });

  it('reads as it always did', async () => {
    const prometheus = create();
    prometheus.apply(everything);
    expect(await lines(prometheus, /recoveries_total|component_state\{|host_disk|build_info/)).toEqual([
      '# HELP paramedic_build_info Constant 1; build metadata.',
      '# TYPE paramedic_build_info gauge',
      'paramedic_build_info{version="1.2.3",revision="abc",node_version="v24.0.0"} 1',
      'paramedic_component_state{component="gmail",state="stopped"} 0',
      'paramedic_component_state{component="gmail",state="starting"} 0',
      'paramedic_component_state{component="gmail",state="running"} 1',
      'paramedic_component_state{component="gmail",state="degraded"} 0',
      'paramedic_component_state{component="gmail",state="unhealthy"} 0',
      'paramedic_component_state{component="gmail",state="stopping"} 0',
      'paramedic_component_state{component="gmail",state="backoff"} 0',
      'paramedic_component_state{component="gmail",state="failed"} 0',
      '# HELP paramedic_host_disk_ratio Disk in use, 0-1.',
      '# TYPE paramedic_host_disk_ratio gauge',
      'paramedic_host_disk_ratio{mount="/"} 0.75',
      '# HELP paramedic_recoveries_total Finished recoveries.',
      '# TYPE paramedic_recoveries_total counter',
      'paramedic_recoveries_total{component="gmail",outcome="recovered"} 1',
      'paramedic_recoveries_total{component="gmail",outcome="failed"} 0',
      'paramedic_recoveries_total{component="gmail",outcome="escalated"} 0',
      'paramedic_recoveries_total{component="gmail",outcome="timeout"} 0',
      'paramedic_recoveries_total{component="gmail",outcome="aborted"} 0',
    ]);
  });

  it('carries an exemplar in OpenMetrics and leaves it out of the classic format', async () => {
    const prometheus = create();
    prometheus.apply([
      { ...crash('E'), exemplar: trace },
      { metric: 'paramedic_rto_achieved_seconds', labels: { component: 'gmail' }, value: 0.2, exemplar: trace },
    ]);
    const { body } = await prometheus.render('openmetrics');
    const shown = `# {trace_id="${trace.trace_id}",span_id="${trace.span_id}"}`;
    expect(body).toMatch(
      new RegExp(
        `^paramedic_crashes_total\\{.*error_type="E"\\} 1 ${shown.replaceAll(/[{}]/g, '\\$&')} 1 [\\d.]+$`,
        'm',
      ),
    );
    expect(body).toMatch(
      new RegExp(`^paramedic_rto_achieved_seconds_bucket\\{le="0.25",component="gmail"\\} 1 # .* 0.2 [\\d.]+$`, 'm'),
    );
    expect((await prometheus.render('classic')).body).not.toContain('trace_id');
  });

  it('drops an exemplar that is no address and keeps the value', async () => {
    const prometheus = create();
    prometheus.apply([{ ...crash('E'), exemplar: { trace_id: 'x'.repeat(500), span_id: '"' } }]);
    expect(await lines(prometheus, /error_type="E"/)).toEqual([
      'paramedic_crashes_total{component="gmail",type="unknown",error_type="E"} 1',
    ]);
    expect((await prometheus.render('openmetrics')).body).not.toContain('trace_id');
  });

  it('does not take a label for an exemplar', () => {
    const text = '# TYPE x gauge\nx{a="# {trace_id=\\"ab\\",span_id=\\"cd\\"} 1 2",b=" # {"} 5\n# EOF\n';
    expect(toClassic(text)).toBe(text.replace('# EOF\n', ''));
  });

  it('satisfies promtool', async ({ skip }) => {
    const found = spawnSync('promtool', ['--version']).status === 0;
    if (!found && process.env['CI'] !== 'true') skip('promtool is not installed: /metrics was not checked by it');
    const prometheus = create({ nodeMetrics: true });
    prometheus.apply(everything);
    await prometheus.render('classic');
    const { body } = await prometheus.render('classic');
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: body, encoding: 'utf8' });
    expect(`${stdout}${stderr}`).toBe('');
    expect(status).toBe(0);
  });
});

describe('counters', () => {
  it('exist with 0 before anything has happened, histograms that rules read too', async () => {
    const { body } = await create().render('classic');
    for (const zero of [
      'paramedic_restarts_total{component="gmail",reason="crash",outcome="success"} 0',
      'paramedic_crashes_total{component="gmail",type="deadlock",error_type=""} 0',
      'paramedic_health_checks_total{component="host",check="resources",result="timeout"} 0',
      'paramedic_rto_achieved_seconds_count{component="gmail"} 0',
      'paramedic_events_total{event="component.crashed"} 0',
    ])
      expect(body).toContain(`${zero}\n`);
    expect(body).not.toContain('paramedic_restarts_total{component="host"');
  });

  it('survive what is no number, or negative', async () => {
    const prometheus = create();
    for (const value of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      prometheus.apply([{ ...crash('E'), value }]);
      prometheus.apply([{ metric: 'paramedic_rto_achieved_seconds', labels: { component: 'gmail' }, value }]);
    }
    expect(await lines(prometheus, /error_type="E"|rto_achieved_seconds_count/)).toEqual([
      'paramedic_rto_achieved_seconds_count{component="gmail"} 0',
    ]);
  });
});

describe('gauges', () => {
  it('are those of the latest snapshot and no others', async () => {
    const prometheus = create({ names: { ...names, components: { ...names.components, tts: { checks: [] } } } });
    prometheus.become(snapshot({ components: [component('gmail'), component('tts')] }));
    expect(await lines(prometheus, /component_up\{/)).toHaveLength(2);
    prometheus.become(snapshot({ host: null, components: [component('gmail', { state: 'failed', usage: null })] }));
    expect(await lines(prometheus, /component_up\{|cpu_ratio[ {].*\d$|state="failed"/)).toEqual([
      'paramedic_component_state{component="gmail",state="failed"} 1',
      'paramedic_component_up{component="gmail"} 0',
    ]);
  });

  it('are the states of breakers, with a share of failures only where there were calls', async () => {
    const prometheus = create();
    const of = async () =>
      (await lines(prometheus, /^paramedic_circuit_breaker_(state|failure_ratio|state_start)/)).toSorted();
    const states = (current: string) =>
      ['closed', 'disabled', 'forced_closed', 'forced_open', 'half_open', 'open'].map(
        (state) => `paramedic_circuit_breaker_state{breaker="gpt_api",state="${state}"} ${state === current ? 1 : 0}`,
      );
    const since = `paramedic_circuit_breaker_state_start_time_seconds{breaker="gpt_api"} ${Date.UTC(2026, 10, 23, 12) / 1_000}`;
    expect(await of()).toEqual([
      'paramedic_circuit_breaker_failure_ratio{breaker="gpt_api"} 0.5',
      since,
      ...states('open'),
    ]);
    const [open] = snapshot().breakers;
    prometheus.become(snapshot({ breakers: [{ ...open!, state: 'closed', failureRatio: null }] }));
    expect(await of()).toEqual([since, ...states('closed')]);
  });

  it('tell how long the last connection of a network check has taken, while it succeeds', () => {
    const [check] = snapshot().components.flatMap(({ checks }) => checks);
    const latencyOf = (latency: { target: string; ms: number } | undefined) =>
      toGauges(snapshot({ hostChecks: [{ ...check!, latency }] })).filter(
        ({ metric }) => metric === 'paramedic_host_network_latency_seconds',
      );
    expect(latencyOf({ target: '1.1.1.1:443', ms: 20 })).toMatchObject([
      { labels: { target: '1.1.1.1:443' }, value: 0.02 },
    ]);
    expect(latencyOf(undefined)).toEqual([]);
  });

  it('tell nothing of the success of a check that has not run in this life', () => {
    const [never] = component('gmail').checks.map((state) => ({ ...state, at: null, outcome: 'unknown' as const }));
    const updates = toGauges(snapshot({ hostChecks: [], components: [component('gmail', { checks: [never!] })] }));
    expect(updates.some(({ metric }) => metric === 'paramedic_health_check_success')).toBe(false);
  });
});

describe('cardinality guard', () => {
  it('tells of features beyond the limit whether all of them are on', async () => {
    const with52 = (off: number) => ({
      level: 'reduced' as const,
      features: Array.from({ length: 52 }, (_, i) => ({ feature: `f${i}`, enabled: i !== off })),
    });
    for (const [off, value] of [
      [50, 0],
      [51, 0],
      [7, 1],
    ] as const) {
      const prometheus = create();
      prometheus.become(snapshot({ degradation: with52(off) }));
      const [other, ...none] = await lines(prometheus, /^paramedic_feature_enabled.*_OTHER/);
      expect([other, none]).toEqual([`paramedic_feature_enabled{feature="_OTHER"} ${value}`, []]);
    }
  });

  it('folds components that are not configured and counts it', async () => {
    const prometheus = create();
    for (let n = 0; n < 50; n++) prometheus.apply([crash('', `stranger-${n}`)]);
    expect(await lines(prometheus, /^paramedic.*_OTHER|overflow_total\{/)).toEqual([
      'paramedic_metrics_label_overflow_total{metric="paramedic_crashes_total"} 50',
      'paramedic_crashes_total{component="_OTHER",type="unknown",error_type=""} 50',
    ]);
  });

  it('admits as many error types as the catalogue says, for each component and in all', async () => {
    const many = Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`c${n}`, { checks: [] }]));
    const prometheus = create({ names: { components: many, hostChecks: [], breakers: [] } });
    for (let c = 0; c < 10; c++) for (let e = 0; e < 30; e++) prometheus.apply([crash(`Error${c}-${e}`, `c${c}`)]);
    const found = await lines(prometheus, /^paramedic_crashes_total\{.*error_type="Error/);
    expect(found).toHaveLength(20);
    expect(found.filter((line) => line.includes('"c0"'))).toHaveLength(4);
    expect(await lines(prometheus, /component="c9",type="unknown",error_type="_OTHER"/)).toEqual([
      'paramedic_crashes_total{component="c9",type="unknown",error_type="_OTHER"} 30',
    ]);
  });

  it.each(['a\nb', '\u0000', '\ud800', 'x'.repeat(101), '\u001b[31m'])('folds %j', async (value) => {
    const prometheus = create();
    prometheus.apply([crash(value)]);
    expect(await lines(prometheus, /_OTHER"\} 1$/)).toHaveLength(1);
  });

  it('escapes what is unusual but sayable', async () => {
    const prometheus = create({ nodeMetrics: true });
    prometheus.apply([crash('quote" back\\slash {} ,=\u00e9')]);
    expect(await lines(prometheus, /quote/)).toEqual([
      'paramedic_crashes_total{component="gmail",type="unknown",error_type="quote\\" back\\\\slash {} ,=\u00e9"} 1',
    ]);
  });

  it('never grows beyond the limit', async () => {
    const components = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`c${n}`, { checks: ['a', 'b'] }]));
    const seriesLimit = 2_000;
    const prometheus = create({ seriesLimit, names: { components, hostChecks: [], breakers: [] } });
    prometheus.become(snapshot({ components: Object.keys(components).map((name) => component(name)) }));
    const { body } = await prometheus.render('classic');
    expect(countSeries(body)).toBeLessThanOrEqual(seriesLimit);
    expect(body).toContain('component="_OTHER"');
  });

  it('removes the series of what is no longer configured', async () => {
    const two = {
      components: { gmail: { checks: ['api'] }, tts: { checks: ['voice'] } },
      hostChecks: [],
      breakers: [],
    };
    const prometheus = create({ names: two });
    prometheus.apply(toMetrics({ ...samples['check.completed'], component: componentName('tts'), check: 'voice' }));
    expect((await lines(prometheus, /"tts"/)).length).toBeGreaterThan(20);
    prometheus.configure({ components: { gmail: { checks: [] }, new: { checks: [] } }, hostChecks: [], breakers: [] });
    expect(await lines(prometheus, /"tts"|"api"/)).toEqual([]);
    expect(await lines(prometheus, /escalations_total\{/)).toEqual([
      'paramedic_restart_escalations_total{component="gmail"} 0',
      'paramedic_restart_escalations_total{component="new"} 0',
    ]);
  });
});

describe('catalogue', () => {
  it('stays below 12,000 series at the default limits', () => {
    const most = (name: MetricName, sizes: typeof DEFAULT_SIZES) => maxSeries(catalogue[name], sizes);
    const ofNode = 200;
    const total = metricNames.reduce((sum, name) => {
      // The guard sets aside one more set for what grows with the configuration; the rest is always the same.
      const [largest, reserved] = [most(name, DEFAULT_SIZES), most(name, { components: 1, checks: 1, breakers: 1 })];
      return sum + largest + (largest === reserved ? 0 : reserved);
    }, ofNode);
    expect(total).toBeLessThan(12_000);
  });

  it.each(metricNames)('%s is named and explained as it should be', (name) => {
    const { type, unit, help, buckets } = catalogue[name];
    expect(name.endsWith('_total')).toBe(type === 'counter');
    if (unit && type !== 'counter') expect(name).toMatch(new RegExp(`_${unit}$`));
    expect(help).toMatch(/\.$/);
    expect(buckets !== undefined).toBe(type === 'histogram');
  });

  it('says how many series there are', async () => {
    const prometheus = create();
    prometheus.apply(everything);
    const first = countSeries((await prometheus.render('classic')).body);
    expect(await lines(prometheus, /^paramedic_metrics_series /)).toEqual([`paramedic_metrics_series ${first}`]);
  });
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { paramedic, script, Site, sleeper } from '../support/daemon.ts';
import { OtlpReceiver, type ReceivedSpan } from '../support/otlp-receiver.ts';
import { until } from '../support/temp.ts';

const LONG = 120_000;
const eager = { policy: 'immediate', max_restarts: 20 };

/** Its own word of where it stands in the trace, one line for each life. */
const telling = (more: Record<string, unknown> = {}) =>
  script(`require('fs').appendFileSync('parents', process.env.TRACEPARENT + '\\n'); setInterval(() => {}, 1e6);`, {
    priority: 'critical',
    restart: eager,
    ...more,
  });

const parentsOf = (site: Site): string[] => (site.read('parents') ?? '').split('\n').filter((line) => line !== '');

interface IncidentBody {
  readonly incident_id: string;
  readonly component: string;
  readonly state: string;
}
const incidentsOf = async (site: Site): Promise<IncidentBody[]> =>
  ((await site.api('GET', 'incidents')).body as { incidents: IncidentBody[] }).incidents;

/** A trace is whole: one root, and every other span hangs under one that is there. */
function whole(spans: readonly ReceivedSpan[]): Record<string, ReceivedSpan[]> {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  expect(spans.filter(({ parentId }) => parentId === '').map(({ name }) => name)).toEqual(['paramedic.incident']);
  expect(spans.filter(({ parentId }) => parentId !== '' && !ids.has(parentId)).map(({ name }) => name)).toEqual([]);
  for (const { name, startMs, endMs } of spans) expect(endMs, name).toBeGreaterThanOrEqual(startMs);
  return Object.groupBy(spans, ({ name }) => name) as Record<string, ReceivedSpan[]>;
}

const pathTo = (span: ReceivedSpan, spans: readonly ReceivedSpan[]): string => {
  const parent = spans.find(({ spanId }) => spanId === span.parentId);
  return `${parent ? `${pathTo(parent, spans)} → ` : ''}${span.name.replace('paramedic.', '')}`;
};

const site = (receiver: OtlpReceiver | string, components: Record<string, unknown>) =>
  new Site({
    telemetry: { otlp: { endpoint: typeof receiver === 'string' ? receiver : receiver.url } },
    components,
  });

const killAndWait = async (at: Site, name: string) => {
  const { pid } = await at.untilState(name, 'running');
  process.kill(pid!, 'SIGKILL');
  await at.untilState(name, 'running', pid, 30_000);
};

const resolved = (receiver: OtlpReceiver, component: string, times = 1) =>
  until(
    `${times} resolved incidents of ${component}`,
    () => {
      const roots = receiver.spans.filter(
        ({ name, attributes }) => name === 'paramedic.incident' && attributes['paramedic.component.name'] === component,
      );
      return new Set(roots.map(({ traceId }) => traceId)).size === times && roots;
    },
    30_000,
  );

describe('the traces of a daemon', () => {
  it('show each recovery in the trace of its incident, and the child where it stands', { timeout: LONG }, async () => {
    const receiver = await OtlpReceiver.open();
    const at = site(receiver, {
      agent: telling({ checks: { well: { command: { command: ['test', '-e', 'well'] }, interval: '300ms' } } }),
    });
    at.write('well', '');
    await at.start();
    for (const lives of [1, 2, 3]) {
      await until(`the word of life ${lives}`, () => parentsOf(at).length === lives);
      if (lives < 3) await killAndWait(at, 'agent');
    }
    await resolved(receiver, 'agent', 2);

    const incidents = await incidentsOf(at);
    expect(incidents).toHaveLength(2);
    const recoveries = receiver.spans.filter(({ name }) => name === 'paramedic.recovery');
    expect(new Set(recoveries.map(({ traceId }) => traceId))).toEqual(
      new Set(incidents.map(({ incident_id }) => incident_id)),
    );
    for (const { incident_id: id } of incidents) {
      const spans = receiver.trace(id);
      whole(spans);
      expect(new Set(spans.map((span) => pathTo(span, spans)))).toEqual(
        new Set([
          'incident',
          'incident → recovery',
          'incident → recovery → detect',
          'incident → recovery → decide',
          'incident → recovery → act',
          'incident → recovery → act → restart',
          'incident → recovery → act → restart → start',
          'incident → recovery → act → restart → ready',
          'incident → recovery → verify',
          'incident → recovery → verify → health_check',
        ]),
      );
    }
    const [first] = incidents.map(({ incident_id }) => receiver.trace(incident_id)).map((spans) => whole(spans));
    expect(first!['paramedic.recovery']![0]).toMatchObject({
      status: 0,
      scope: expect.stringMatching(/^paramedic-core \d/),
      resource: { 'service.name': 'paramedic', 'service.instance.id': new URL(at.url).host, 'process.pid': at.pid },
      attributes: {
        'paramedic.component.name': 'agent',
        'paramedic.component.criticality': 'critical',
        'paramedic.trigger': 'crash',
        'paramedic.outcome': 'recovered',
        'paramedic.rto.objective_s': 30,
      },
    });
    expect(first!['paramedic.restart']![0]!.attributes).toMatchObject({ 'paramedic.process.exit.signal': 'SIGKILL' });

    const starts = receiver.spans.filter(({ name }) => name === 'paramedic.start');
    expect(new Set(parentsOf(at))).toEqual(new Set(starts.map((span) => `00-${span.traceId}-${span.spanId}-01`)));
    expect(parentsOf(at)).toHaveLength(3);

    const metrics = await (
      await fetch(`${at.url}/metrics`, { headers: { accept: 'application/openmetrics-text' } })
    ).text();
    const [, trace, span] = /rto_achieved_seconds_bucket.*# \{trace_id="(\w+)",span_id="(\w+)"\}/.exec(metrics) ?? [];
    expect(receiver.spans).toContainEqual(
      expect.objectContaining({ traceId: trace, spanId: span, name: 'paramedic.recovery' }),
    );

    const log = readFileSync(join(at.stateDir, 'logs', 'paramedic.log'), 'utf8')
      .trim()
      .split('\n');
    const lines = log.map((line) => JSON.parse(line) as Record<string, unknown>);
    const said = lines.filter(({ event }) => event === 'recovery.finished');
    expect(said.map(({ trace_id, span_id }) => [trace_id, span_id])).toEqual(
      recoveries.map(({ traceId, spanId }) => [traceId, spanId]),
    );
  });

  it('lead from the alert to the recovery that it asked for, and back', { timeout: LONG }, async () => {
    const receiver = await OtlpReceiver.open();
    const at = new Site({
      telemetry: { otlp: { endpoint: receiver.url } },
      components: { agent: telling({ restart: { policy: 'manual_only' } }) },
      remediation: { rules: [{ match: { alertname: 'Wrong' }, action: { restart: { component: 'agent' } } }] },
    });
    await at.start();
    const { pid } = await at.untilState('agent', 'running');
    process.kill(pid!, 'SIGKILL');
    await at.untilState('agent', 'stopped');
    const caller = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) };
    const answer = await fetch(`${at.url}/webhooks/alertmanager`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${readFileSync(join(at.stateDir, 'tokens', 'webhook.token'), 'utf8').trim()}`,
        traceparent: `00-${caller.traceId}-${caller.spanId}-01`,
      },
      body: JSON.stringify({
        version: '4',
        groupKey: 'g',
        truncatedAlerts: 0,
        alerts: [
          {
            status: 'firing',
            labels: { alertname: 'Wrong', component: 'agent' },
            annotations: {},
            startsAt: new Date().toISOString(),
            fingerprint: '0'.repeat(16),
          },
        ],
      }),
    });
    expect(answer.status).toBe(202);
    await resolved(receiver, 'agent');
    const remediation = await receiver.until('the remediation', ({ name }) => name === 'paramedic.remediation');
    const webhook = await receiver.until('the webhook', ({ name }) => name === 'POST /webhooks/alertmanager');
    expect(webhook).toMatchObject({ traceId: caller.traceId, parentId: caller.spanId, kind: 2 });
    expect(remediation).toMatchObject({ traceId: caller.traceId, parentId: webhook.spanId, status: 0 });
    expect(remediation.attributes).toMatchObject({
      'paramedic.action.name': 'restart',
      'paramedic.action.target': 'agent',
      'paramedic.action.decision': 'execute',
      'paramedic.action.outcome': 'success',
    });
    const [incident] = await incidentsOf(at);
    const { 'paramedic.recovery': [recovery] = [] } = whole(receiver.trace(incident!.incident_id));
    expect(recovery?.attributes['paramedic.trigger']).toBe('alert');
    expect(recovery?.links).toEqual([{ traceId: remediation.traceId, spanId: remediation.spanId }]);
    expect(remediation.links).toEqual([{ traceId: recovery?.traceId, spanId: recovery?.spanId }]);
  });

  it('lead from an experiment to the recovery that it caused, and back', { timeout: LONG }, async () => {
    const receiver = await OtlpReceiver.open();
    const at = site(receiver, { agent_core: telling() });
    await at.start();
    await at.untilState('agent_core', 'running');
    expect(await paramedic(['test', '--config', at.file, '--test-name', 'agent_crash_recovery'])).toMatchObject({
      code: 0,
    });
    const experiment = await receiver.until('the experiment', ({ name }) => name === 'paramedic.chaos.experiment');
    await resolved(receiver, 'agent_core');
    const stages = receiver.trace(experiment.traceId);
    expect(stages.map(({ name }) => name.replace('paramedic.chaos.', '')).toSorted()).toEqual([
      'experiment',
      'inject',
      'observe',
      'steady_state',
    ]);
    expect(experiment).toMatchObject({ parentId: '', status: 0 });
    expect(experiment.attributes['paramedic.rto.achieved_s']).toBeGreaterThan(0);
    const [incident] = await incidentsOf(at);
    const spans = whole(receiver.trace(incident!.incident_id));
    const [root] = spans['paramedic.incident']!;
    const [recovery] = spans['paramedic.recovery']!;
    expect(experiment.links).toEqual([{ traceId: root!.traceId, spanId: root!.spanId }]);
    const inject = stages.find(({ name }) => name === 'paramedic.chaos.inject')!;
    expect(recovery?.links).toEqual([{ traceId: inject.traceId, spanId: inject.spanId }]);
  });

  it('are whole though the daemon was killed in the middle of a recovery', { timeout: LONG }, async () => {
    const receiver = await OtlpReceiver.open();
    const at = site(receiver, {
      slow: telling({ checks: { well: { command: { command: ['test', '-e', 'well'] }, interval: '200ms' } } }),
      late: telling({ restart: { policy: 'delayed', initial_delay: '3s', jitter: 0 } }),
    });
    at.write('well', '');
    await at.start();
    const slow = await at.untilState('slow', 'running');
    const late = await at.untilState('late', 'running');
    at.remove('well');
    process.kill(slow.pid!, 'SIGKILL');
    process.kill(late.pid!, 'SIGKILL');
    await at.untilState('slow', 'starting', slow.pid);
    await at.untilState('late', 'backoff');
    await receiver.until(
      'a check of the verification',
      ({ name, parentId }) => name === 'paramedic.health_check' && parentId !== '',
    );
    await at.end('SIGKILL');
    at.write('well', '');
    await at.start();
    await at.untilState('slow', 'running', slow.pid);
    await at.untilState('late', 'running', late.pid, 30_000);
    await resolved(receiver, 'slow');
    await resolved(receiver, 'late');
    for (const { incident_id: id } of await incidentsOf(at)) {
      const spans = whole(receiver.trace(id));
      expect(spans['paramedic.recovery']).toHaveLength(1);
      expect(spans['paramedic.start']).toHaveLength(1);
      expect(spans['paramedic.restart']).toHaveLength(1);
      expect(spans['paramedic.verify']).toHaveLength(1);
    }
  });

  it('arrive after the collector was away, and after the death of the daemon too', { timeout: LONG }, async () => {
    const receiver = await OtlpReceiver.open();
    receiver.mood = 503;
    const at = site(receiver, { agent: telling() });
    await at.start();
    await killAndWait(at, 'agent');
    await until('an attempt', () => receiver.requests > 0);
    expect(receiver.spans).toEqual([]);
    await at.end('SIGKILL');

    receiver.mood = 200;
    await at.start();
    await resolved(receiver, 'agent');
    const [incident] = await incidentsOf(at);
    whole(receiver.trace(incident!.incident_id));

    const before = receiver.spans.length;
    receiver.mood = 503;
    await killAndWait(at, 'agent');
    const { requests } = receiver;
    await until('another attempt', () => receiver.requests > requests);
    receiver.mood = 200;
    await resolved(receiver, 'agent', 2);
    expect(receiver.spans.slice(before).filter(({ name }) => name === 'paramedic.recovery')).toHaveLength(1);
  });

  it('cost a recovery nothing when there is no collector, and are counted', { timeout: LONG }, async () => {
    const receiver = await OtlpReceiver.open();
    receiver.close();
    const at = site(receiver, { agent: telling() });
    await at.start();
    await killAndWait(at, 'agent');
    const metrics = await at.metrics();
    expect(metrics).toContain('paramedic_telemetry_queue_capacity{sink="otlp_traces"} 8192');
    expect(Number(/queue_length\{sink="otlp_traces"\} (\d+)/.exec(metrics)?.[1])).toBeGreaterThan(5);
    const begun = performance.now();
    expect(await at.end()).toBe(0);
    expect(performance.now() - begun).toBeLessThan(20_000);
  });

  it.each([
    { what: 'not without an endpoint', otlp: {}, loaded: false },
    { what: 'with one, for the first export', otlp: { otlp: { endpoint: 'http://127.0.0.1:9' } }, loaded: true },
  ])('load OpenTelemetry: $what', async ({ otlp, loaded }) => {
    const at = new Site({ telemetry: otlp, components: { agent: sleeper() } });
    const hook = at.write(
      'hook.mjs',
      `import { registerHooks } from 'node:module';
       import { appendFileSync } from 'node:fs';
       registerHooks({
         load(url, context, next) {
           appendFileSync(${JSON.stringify(join(at.folder, 'loaded'))}, url + '\\n');
           return next(url, context);
         },
       });`,
    );
    await at.start([], { NODE_OPTIONS: `--import=${hook}` });
    await at.untilState('agent', 'running');
    const seen = () => at.read('loaded')?.includes('/exporter-trace-otlp-proto/') ?? false;
    if (loaded) await until('OpenTelemetry', seen);
    else await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect(at.read('loaded')).toContain('telemetry/tracer.ts');
    expect(seen()).toBe(loaded);
    expect((await at.metrics()).includes('paramedic_telemetry_queue_length{')).toBe(loaded);
  });
});

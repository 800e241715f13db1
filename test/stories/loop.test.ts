import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { IncidentView } from '../../src/incidents/index.ts';
import type { RemediationView } from '../../src/remediation/index.ts';
import { alertmanager, needs, prometheus } from '../support/command.ts';
import { Site, sleeper } from '../support/daemon.ts';
import { startMonitoring, type Monitoring } from '../support/monitoring.ts';
import { OtlpReceiver } from '../support/otlp-receiver.ts';
import { until } from '../support/temp.ts';

/*
 * The loop that the product is named for, with the real Prometheus and the real Alertmanager: a component fails its
 * check and nobody here may restart it; the rule fires, Alertmanager posts, it is restarted, the alert ends.
 */

const restarts = (alertname: string) => ({
  match: { alertname },
  action: { restart: { component: '{{ labels.component }}' } },
  cooldown: '1s',
  max_per_hour: 100,
});
const byHand = { policy: 'manual_only', max_restarts: 100 };
const config = {
  components: {
    agent: sleeper({
      priority: 'critical',
      start: { period: 0 },
      restart: byHand,
      checks: { well: { command: { command: ['test', '-e', 'well'] }, interval: '1s', failure_threshold: 1 } },
    }),
    fragile: sleeper({ restart: byHand }),
    neighbour: sleeper(),
  },
  remediation: { rules: [restarts('ParamedicComponentDown'), restarts('ParamedicHealthCheckFailing')] },
};
const isThere = [prometheus, alertmanager].every(({ path }) => existsSync(path));
const undo: (() => void | Promise<void>)[] = [];
afterAll(async () => {
  for (const end of undo.toReversed()) await end();
});
const site = new Site(config, afterAll);
let monitoring: Monitoring;
let collector: OtlpReceiver;
beforeAll(async () => {
  if (!isThere) return;
  const lifetime = (end: () => void | Promise<void>) => void undo.push(end);
  collector = await OtlpReceiver.open(0, lifetime);
  site.configure({ ...config, telemetry: { otlp: { endpoint: collector.url } } });
  site.write('well', '');
  await site.start();
  await site.untilState('agent', 'running');
  monitoring = await startMonitoring(site, lifetime);
}, 180_000);

const rows = async () =>
  ((await site.api('GET', 'remediations?limit=1000')).body as { remediations: RemediationView[] }).remediations;
const executed = async (component: string) =>
  (await rows()).filter((row) => row.decision === 'execute' && row.component === component);
const startsOf = async (name: string) =>
  (await site.events('component.starting')).filter(({ component }) => component === name).length;
const untilOver = (component: string) =>
  until(
    'the alerts to end',
    async () => !(await monitoring.alerts()).some((alert) => alert.endsWith(` ${component}`)),
    60_000,
  );

describe('the loop', () => {
  /** One fault: its check fails, its process lives; waits until it is healed and the alerts have ended. */
  async function fault(): Promise<void> {
    const { pid } = await site.component('agent');
    site.remove('well');
    await site.untilState('agent', 'unhealthy');
    expect((await site.component('agent')).pid).toBe(pid);
    const isNew = async () => {
      const view = await site.component('agent');
      return view.pid !== null && view.pid !== pid;
    };
    await until('a new process', isNew, 60_000);
    site.write('well', '');
    await site.untilState('agent', 'running', pid);
    await untilOver('agent');
  }

  it('heals three faults with exactly three restarts', { timeout: 400_000 }, async ({ skip }) => {
    needs(prometheus, skip);
    needs(alertmanager, skip);
    for (let n = 1; n <= 3; n++) {
      await fault();
      expect(await startsOf('agent')).toBe(1 + n);
      expect(await executed('agent')).toHaveLength(n);
    }
    // What was on its way while it was healed has come by now, and has changed nothing.
    await until('its tombstones', async () => {
      const over = (await rows()).filter((row) => row.decision === 'resolved' && row.component === 'agent');
      return over.length >= 3;
    });
    expect(await startsOf('agent')).toBe(4);
    expect(await startsOf('neighbour')).toBe(1);
  });

  it('tells the same in its audit, its incidents, its metrics and its traces', async ({ skip }) => {
    needs(prometheus, skip);
    needs(alertmanager, skip);
    const done = await executed('agent');
    expect(new Set(done.map(({ incident_id }) => incident_id)).size).toBe(3);
    for (const row of done) {
      expect(row).toMatchObject({ action: 'restart', component: 'agent', outcome: 'success' });
      const incident = (await site.api('GET', `incidents/${row.incident_id}`)).body as IncidentView;
      expect(incident).toMatchObject({ category: 'health', acknowledged_by: 'recovery', resolved_by: 'recovery' });

      const spansOf = (trace: string | null, name: string) =>
        collector.trace(trace ?? '').filter((span) => span.name === name);
      await until('both traces', () => spansOf(row.trace_id, 'paramedic.remediation').length > 0);
      await until('both traces', () => spansOf(row.incident_id, 'paramedic.incident').length > 0);
      const [recovery, ...others] = spansOf(row.incident_id, 'paramedic.recovery');
      expect(others).toEqual([]);
      const [remediation] = spansOf(row.trace_id, 'paramedic.remediation');
      const [webhook] = spansOf(row.trace_id, 'POST /webhooks/alertmanager');
      expect(remediation?.parentId).toBe(webhook?.spanId);
      expect(remediation?.links.map(({ traceId }) => traceId)).toContain(row.incident_id);
      expect(recovery?.links).toContainEqual({ traceId: row.trace_id, spanId: remediation?.spanId });
      expect(recovery?.attributes).toMatchObject({ 'paramedic.trigger': 'alert', 'paramedic.outcome': 'recovered' });
    }
    const counted = {
      'paramedic_restarts_total{component="agent",reason="alert",outcome="success"}': 3,
      'paramedic_remediation_executions_total{action="restart",outcome="success"}': 3,
      'paramedic_recoveries_total{component="agent",outcome="recovered"}': 3,
      'sum(paramedic_incidents_total{component="agent",category="health"})': 3,
      'paramedic_alert_delivery_delay_seconds_count{receiver="alertmanager"}': 3,
    };
    for (const [expression, value] of Object.entries(counted))
      await until(expression, async () => (await monitoring.query(expression)) === value);
  });

  it('brings back a component that crashed and that its own policy leaves down', async ({ skip }) => {
    needs(prometheus, skip);
    needs(alertmanager, skip);
    const { pid } = await site.untilState('fragile', 'running');
    process.kill(pid!, 'SIGKILL');
    await site.untilState('fragile', 'stopped');
    await site.untilState('fragile', 'running', pid);
    await until('its end', async () => (await executed('fragile'))[0]?.outcome === 'success');
    await untilOver('fragile');
    expect(await startsOf('fragile')).toBe(2);
  });

  it('shows that alerts arrive at all', async ({ skip }) => {
    needs(prometheus, skip);
    needs(alertmanager, skip);
    const last = 'paramedic_webhook_last_watchdog_timestamp_seconds{receiver="alertmanager"} > 0';
    await until('the watchdog', async () => (await monitoring.query(last)) !== undefined);
  });
});

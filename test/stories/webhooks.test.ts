import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RemediationView } from '../../src/remediation/index.ts';
import { paramedic, Site, sleeper } from '../support/daemon.ts';
import { until } from '../support/temp.ts';

const rule = (component: string, limits: object = {}) => ({
  match: { alertname: 'Wrong', component },
  action: { restart: { component: '{{ labels.component }}' } },
  cooldown: 0,
  max_per_hour: 1_000,
  ...limits,
});
const sick = (more: object = {}) =>
  sleeper({
    priority: 'critical',
    start: { period: 0 },
    restart: { policy: 'manual_only', max_restarts: 1_000 },
    checks: { well: { command: { command: ['test', '-e', 'well'] }, interval: '50ms', failure_threshold: 2 } },
    ...more,
  });
const site = new Site(
  {
    components: {
      one: sick({ checks: {} }),
      two: sick({ checks: {} }),
      ill: sick(),
      spent: sick({ checks: {}, restart: { policy: 'manual_only', max_restarts: 1 } }),
      never: sick({ checks: {}, restart: { policy: 'no_restart' } }),
      held: sick({ checks: {} }),
      slow: sick({ checks: { file: { command: { command: ['test', '-e', 'slow.ready'] }, interval: '50ms' } } }),
    },
    remediation: {
      rules: [
        rule('one'),
        rule('two', { cooldown: '1h' }),
        rule('ill'),
        rule('spent'),
        rule('never'),
        rule('held'),
        rule('slow'),
        { match: { alertname: 'Stop', component: 'two' }, action: { stop: { component: 'two' } } },
      ],
    },
  },
  afterAll,
);
beforeAll(async () => {
  site.write('well', '');
  site.write('slow.ready', '');
  await site.start();
  for (const name of ['one', 'two', 'ill', 'spent', 'never', 'held', 'slow']) await site.untilState(name, 'running');
});

let count = 0;
const alert = (component: string, change: object = {}) => ({
  status: 'firing',
  labels: { alertname: 'Wrong', component },
  annotations: {},
  startsAt: new Date().toISOString(),
  fingerprint: (++count).toString(16).padStart(16, '0'),
  ...change,
});
const token = () => readFileSync(join(site.stateDir, 'tokens', 'webhook.token'), 'utf8').trim();

/** Kills a component, which its policy then leaves down. @returns the pid that it had. */
async function down(name: string, at = site): Promise<number> {
  const { pid } = await at.untilState(name, 'running');
  process.kill(pid!, 'SIGKILL');
  await at.untilState(name, 'stopped');
  return pid!;
}

/** Posts alerts as Alertmanager does. @returns the decision on each. */
async function post(...alerts: object[]): Promise<(string | null)[]> {
  const answer = await fetch(`${site.url}/webhooks/alertmanager`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token()}` },
    body: JSON.stringify({ version: '4', groupKey: 'g', truncatedAlerts: 0, alerts }),
  });
  expect(answer.status).toBe(202);
  const { alerts: told } = (await answer.json()) as { alerts: { decision: string | null }[] };
  return told.map(({ decision }) => decision);
}
const rows = async () =>
  ((await site.api('GET', 'remediations?limit=1000')).body as { remediations: RemediationView[] }).remediations;
const openOf = async (component: string) =>
  ((await site.api('GET', `incidents?state=open&component=${component}`)).body as { incidents: unknown[] }).incidents;
const lastOf = async (component: string) => (await rows()).find((row) => row.component === component);
const startsOf = async (name: string) =>
  (await site.events('component.starting')).filter(({ component }) => component === name).length;

describe('an alert', () => {
  it('restarts its component once, however often it is delivered, and the audit says so', async () => {
    const before = await down('one');
    const delivered = alert('one');
    expect(await post(delivered, delivered)).toEqual(['execute', 'duplicate']);
    const after = await site.untilState('one', 'running', before);
    for (let i = 0; i < 3; i++) expect(await post(delivered)).toEqual(['duplicate']);
    const row = await until('the end', async () => {
      const found = (await rows()).find(({ component, decision }) => component === 'one' && decision === 'execute');
      return found?.outcome ? found : undefined;
    });
    expect(row).toMatchObject({ action: 'restart', outcome: 'success', alert: { name: 'Wrong' } });
    expect(row.trace_id).toMatch(/^[0-9a-f]{32}$/);
    const incident = (await site.api('GET', `incidents/${row.incident_id}`)).body;
    expect(incident).toMatchObject({ component: 'one', category: 'crash', state: 'resolved', resolved_by: 'recovery' });
    expect((await site.component('one')).pid).toBe(after.pid);
    expect(await startsOf('one')).toBe(2);
    expect(await post({ ...delivered, status: 'resolved' })).toEqual(['resolved']);
    expect(await post(delivered)).toEqual(['duplicate']);
  });

  it('that fires again after it was resolved, under the same beginning, is stale', async () => {
    const over = alert('one');
    const starts = await startsOf('one');
    expect(await post({ ...over, status: 'resolved' })).toEqual(['resolved']);
    expect(await post(over)).toEqual(['stale']);
    expect(await startsOf('one')).toBe(starts);
  });

  it('about a component that has been healed since it began changes nothing', async () => {
    expect(await post(alert('one'))).toEqual(['healthy']);
    // A clock that is ahead elsewhere is taken for now.
    expect(await post(alert('one', { startsAt: '2099-01-01T00:00:00Z' }))).toEqual(['healthy']);
  });

  it('heals a component whose check fails and whom nobody else may restart; it shares its incident', async () => {
    const { pid } = await site.component('ill');
    site.remove('well');
    await site.untilState('ill', 'unhealthy');
    await until('its incident', async () => (await openOf('ill'))[0]);
    expect((await site.component('ill')).pid).toBe(pid);
    // Its check passes again only in the new process: the incident is still open when the alert comes.
    expect(await post(alert('ill'))).toEqual(['execute']);
    site.write('well', '');
    await site.untilState('ill', 'running', pid);
    const row = await until('the end', async () => {
      const found = await lastOf('ill');
      return found?.outcome ? found : undefined;
    });
    expect(row.outcome).toBe('success');
    const incident = (await site.api('GET', `incidents/${row.incident_id}`)).body;
    expect(incident).toMatchObject({
      component: 'ill',
      category: 'health',
      state: 'resolved',
      resolved_by: 'recovery',
    });
  });

  it('is stopped by cooldown, budget, policy and a person', async () => {
    await down('two');
    expect(await post(alert('two'))).toEqual(['execute']);
    await until('the end', async () => (await lastOf('two'))?.outcome ?? undefined);
    await down('two');
    expect(await post(alert('two'))).toEqual(['cooldown']);
    await down('spent');
    expect(await post(alert('spent'))).toEqual(['execute']);
    await until('the end', async () => (await lastOf('spent'))?.outcome ?? undefined);
    await down('spent');
    expect(await post(alert('spent'))).toEqual(['budget_exhausted']);
    await down('never');
    expect(await post(alert('never'))).toEqual(['denied']);
    await site.api('POST', 'components/held/stop');
    expect(await post(alert('held'))).toEqual(['denied']);
    expect((await site.component('held')).state).toBe('stopped');
  });

  it('that is forged asks for nothing that no rule allows', async () => {
    const forged = (labels: object) => alert('one', { labels });
    expect(
      await post(
        forged({ alertname: 'Wrong', component: 'one; rm -rf /', recovery_action: 'restart' }),
        forged({ alertname: 'Other', component: 'one', recovery_action: 'stop' }),
        forged({ alertname: 'Other', recovery_action: 'shell' }),
        forged({ alertname: 'Wrong', component: '__proto__' }),
      ),
    ).toEqual(['no_policy', 'no_policy', null, null]);
    expect(await site.metrics()).not.toContain('rm -rf');
  });

  it('may stop a component, which then stays down', async () => {
    expect(await post(alert('two', { labels: { alertname: 'Stop', component: 'two' } }))).toEqual(['execute']);
    await until('the end', async () => (await lastOf('two'))?.outcome ?? undefined);
    expect(await lastOf('two')).toMatchObject({ action: 'stop', outcome: 'success' });
    expect(await site.component('two')).toMatchObject({ state: 'stopped', held: true });
  });

  it('is counted, and listed for people', async () => {
    const metrics = await site.metrics();
    expect(metrics).toMatch(/paramedic_remediation_decisions_total\{action="restart",decision="stale"\} 1$/m);
    expect(metrics).toMatch(/paramedic_remediation_executions_total\{action="restart",outcome="success"\} 4$/m);
    expect(metrics).toMatch(/paramedic_webhook_requests_total\{receiver="alertmanager",code="202"\} \d+$/m);
    const { stdout, code } = await paramedic(['remediations', 'list', '--config', site.file]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/Wrong +firing +restart +one +execute +success/);
  });

  it('whose action the daemon did not live to end is ended by the next one, once', async () => {
    const pid = await down('slow');
    site.remove('slow.ready');
    const delivered = alert('slow');
    expect(await post(delivered)).toEqual(['execute']);
    const starting = await site.untilState('slow', 'starting', pid);
    await site.end('SIGKILL');
    await site.start();
    expect(await post(delivered)).toEqual(['duplicate']);
    site.write('slow.ready', '');
    const row = await until('the end', async () => {
      const found = (await rows()).find(({ component, decision }) => component === 'slow' && decision === 'execute');
      return found?.outcome ? found : undefined;
    });
    expect(row.outcome).toBe('success');
    expect((await site.component('slow')).pid).toBe(starting.pid);
  });
});

describe('a daemon that is stopped while an action runs', () => {
  it('leaves it to the next one, and tells nobody that it has failed', async () => {
    const own = new Site({
      components: {
        slow: sick({ checks: { file: { command: { command: ['test', '-e', 'ready'] }, interval: '50ms' } } }),
      },
      remediation: { rules: [rule('slow')] },
    });
    own.write('ready', '');
    await own.start();
    await own.untilState('slow', 'running');
    own.remove('ready');
    const pid = await down('slow', own);
    const secret = readFileSync(join(own.stateDir, 'tokens', 'webhook.token'), 'utf8').trim();
    await fetch(`${own.url}/webhooks/alertmanager`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${secret}` },
      body: JSON.stringify({ version: '4', alerts: [alert('slow')] }),
    });
    await own.untilState('slow', 'starting', pid);
    await own.end('SIGTERM');
    own.write('ready', '');
    await own.start();
    const [row] = await until('the end', async () => {
      const { remediations } = (await own.api('GET', 'remediations')).body as { remediations: RemediationView[] };
      return remediations[0]?.outcome ? remediations : undefined;
    });
    expect(row).toMatchObject({ decision: 'execute', outcome: 'success' });
    await own.untilState('slow', 'running');
  });
});

describe('remediation that is switched off', () => {
  it('reads alerts, records them and does nothing', async () => {
    const off = new Site({
      components: { one: sick({ checks: {} }) },
      remediation: { enabled: false, rules: [rule('one')] },
    });
    await off.start();
    const answer = await fetch(`${off.url}/webhooks/alertmanager`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${readFileSync(join(off.stateDir, 'tokens', 'webhook.token'), 'utf8').trim()}`,
      },
      body: JSON.stringify({ version: '4', alerts: [alert('one')] }),
    });
    expect(await answer.json()).toMatchObject({ alerts: [{ disposition: 'accepted', decision: 'paused' }] });
    expect(await off.metrics()).toMatch(/^paramedic_remediation_paused 1$/m);
  });
});

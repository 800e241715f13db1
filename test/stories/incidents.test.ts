import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { IncidentView } from '../../src/incidents/index.ts';
import type { EventView } from '../../src/supervisor/api.ts';
import { client, paramedic, Site, sleeper } from '../support/daemon.ts';
import { environOf } from '../support/witness.ts';
import { until } from '../support/temp.ts';

const eager = { policy: 'immediate', max_restarts: 50 };
const site = new Site(
  {
    restart: { max_restarts_per_hour: 1_000 },
    defaults: { priority: 'critical' },
    components: {
      healed: sleeper({ restart: eager }),
      waiting: sleeper({ restart: { policy: 'delayed', initial_delay: '1h', max_delay: '1h', jitter: 0 } }),
      by_hand: sleeper({ restart: { policy: 'manual_only' } }),
      sick: sleeper({
        start: { period: 0 },
        checks: { well: { command: { command: ['test', '-e', 'well'] }, interval: '100ms', action: 'none' } },
      }),
      asked: sleeper(),
    },
  },
  afterAll,
);
beforeAll(async () => {
  site.write('well', '');
  await site.start();
});

type Shown = IncidentView & { timeline: EventView[] };
const incidentsOf = async (component: string): Promise<IncidentView[]> =>
  ((await site.api('GET', `incidents?component=${component}`)).body as { incidents: IncidentView[] }).incidents;
const show = async (id: string) => (await site.api('GET', `incidents/${id}`)).body as Shown;
const cli = (...args: string[]) => paramedic([...args, '--config', site.file]);

/** Kills a component and waits for its incident. */
async function killed(name: string): Promise<IncidentView> {
  const { pid } = await site.untilState(name, 'running');
  const before = (await incidentsOf(name))[0]?.incident_id;
  process.kill(pid!, 'SIGKILL');
  return until(`an incident of ${name}`, async () => {
    const [newest] = await incidentsOf(name);
    return newest?.incident_id !== before && newest;
  });
}

describe('an incident', () => {
  it('is opened at the crash, acknowledged by the recovery and resolved when that is verified', async () => {
    const { incident_id: id } = await killed('healed');
    const incident = await until('its end', async () => {
      const shown = await show(id);
      return shown.state === 'resolved' && shown;
    });
    expect(incident).toMatchObject({
      severity: 'critical',
      category: 'crash',
      acknowledged_by: 'recovery',
      repeats: 0,
    });
    expect(incident).toMatchObject({ resolved_by: 'recovery', resolution: 'verified healthy', previous: null });
    // The report is written beside all that, and may come after the end of it.
    const types = incident.timeline.map(({ type }) => type).filter((type) => type !== 'crash.reported');
    expect(types).toEqual([
      'incident.opened',
      'component.crashed',
      'restart.decided',
      'recovery.started',
      'incident.acknowledged',
      'component.starting',
      'component.started',
      'component.ready',
      'restart.finished',
      'recovery.finished',
      'incident.resolved',
    ]);
    expect(new Set(incident.timeline.map((event) => event['incident']))).toEqual(new Set([id]));
  });

  it('is the trace of the process that it brings back, and a first start is one of its own', async () => {
    const { incident_id: id } = await killed('healed');
    await until('its end', async () => (await show(id)).state === 'resolved');
    const { pid, incarnation } = await site.component('healed');
    const parent = environOf(pid!, 'TRACEPARENT');
    expect(parent).toBe(`00-${id}-${incarnation!.slice(0, 16)}-01`);
    const first = await site.component('asked');
    const { pid: asked, incarnation: life } = first;
    expect(environOf(asked!, 'TRACEPARENT')).toBe(`00-${life}-${life!.slice(0, 16)}-01`);
  });

  it('that comes back soon names the one before', async () => {
    const before = (await incidentsOf('healed'))[0]!;
    await until('its end', async () => (await show(before.incident_id)).state === 'resolved');
    const next = await killed('healed');
    expect(next.previous).toBe(before.incident_id);
  });

  it('stays open while nobody heals it; a person acknowledges and resolves it', async () => {
    const { incident_id: id } = await killed('by_hand');
    await site.untilState('by_hand', 'stopped');
    expect((await show(id)).state).toBe('open');
    expect(await site.metrics()).toContain('paramedic_incidents_open{severity="critical"} ');

    const acknowledged = await cli('incidents', 'ack', id.slice(0, 12));
    expect(acknowledged).toMatchObject({ code: 0, stdout: `${id} is acknowledged\n` });
    expect((await cli('incidents', 'ack', id)).code).toBe(0);
    const listed = await cli('incidents', 'list', '--open', '--component', 'by_hand');
    expect(listed.stdout).toContain(id.slice(0, 12));
    const shown = await cli('incidents', 'show', id);
    expect(shown.stdout).toMatch(/acknowledged +\S+ by person/);
    expect(shown.stdout).toContain('by_hand crashed: SIGKILL after');
    expect(shown.stdout).toContain('by_hand crashed: external_termination: SIGKILL\n');

    const resolved = await cli('incidents', 'resolve', id, '--resolution', 'the disk was replaced');
    expect(resolved).toMatchObject({ code: 0, stdout: `${id} is resolved\n` });
    expect(await show(id)).toMatchObject({ resolved_by: 'person', resolution: 'the disk was replaced' });
    expect((await cli('incidents', 'list', '--open', '--component', 'by_hand')).stdout).toBe('No incidents.\n');
  });

  it('of a failing check ends by itself when the check passes again', async () => {
    site.remove('well');
    const { incident_id: id } = await until('an incident', async () => (await incidentsOf('sick'))[0]);
    expect(await show(id)).toMatchObject({ state: 'open', severity: 'high', category: 'health' });
    site.write('well', '');
    await until('its end', async () => (await show(id)).state === 'resolved');
    const { started_at, opened_at, resolved_by } = await show(id);
    expect(resolved_by).toBe('itself');
    expect(Date.parse(started_at)).toBeLessThan(Date.parse(opened_at));
  });

  it('records a restart that a person asked for', async () => {
    await site.api('POST', 'components/asked/restart');
    expect((await incidentsOf('asked'))[0]).toMatchObject({
      severity: 'info',
      category: 'recovery',
      state: 'resolved',
    });
  });

  it('outlives the daemon: the next one goes on with the same', async () => {
    const { incident_id: id } = await killed('waiting');
    await site.untilState('waiting', 'backoff');
    await site.end('SIGKILL');
    await site.start();
    expect(await show(id)).toMatchObject({ state: 'acknowledged', acknowledged_by: 'recovery' });
    await site.api('POST', 'components/waiting/restart');
    expect(await show(id)).toMatchObject({ state: 'resolved', resolved_by: 'recovery' });
    expect(await incidentsOf('waiting')).toHaveLength(1);
  });

  it('ends when what it is about is no longer meant to be there', async () => {
    const other = new Site({
      breakers: { dependency: { failure_threshold: 1, recovery_timeout: '1h' } },
      components: {
        leaning: client(`await line.reportOutcomes([{ dependency: 'dependency', ok: false, durationMs: 1 }]);
          setInterval(() => {}, 1e6);`),
        waiting: sleeper({ restart: { policy: 'delayed', initial_delay: '1h', max_delay: '1h', jitter: 0 } }),
        ill: sleeper({
          start: { period: 0 },
          checks: { well: { command: { command: ['test', '-e', 'well'] }, interval: '100ms', action: 'none' } },
        }),
      },
    });
    other.write('well', '');
    await other.start();
    const open = async () =>
      ((await other.api('GET', 'incidents?state=open')).body as { incidents: IncidentView[] }).incidents;
    const { pid } = await other.untilState('waiting', 'running');
    process.kill(pid!, 'SIGKILL');
    await other.untilState('ill', 'running');
    other.remove('well');
    await until('all three', async () => (await open()).length === 3);
    // The breaker and the check go while nobody looks, the component with a reload.
    await other.end('SIGKILL');
    const waiting = sleeper({ restart: { policy: 'delayed', initial_delay: '1h', max_delay: '1h', jitter: 0 } });
    other.configure({ components: { waiting, ill: sleeper() } });
    await other.start();
    expect(await other.component('ill')).toMatchObject({ state: 'running', health: 'healthy', adopted: true });
    expect((await open()).map(({ component }) => component)).toEqual(['waiting']);
    other.configure({ components: { waiting: { ...waiting, enabled: false }, ill: sleeper() } });
    await other.api('POST', 'reload');
    expect(await open()).toEqual([]);
  });

  it('that nobody knows is an error that says where to look', async () => {
    const unknown = await cli('incidents', 'show', 'ffff');
    expect(unknown).toMatchObject({ code: 1, stderr: 'No incident "ffff". `paramedic incidents list` shows them.\n' });
    expect(await site.api('GET', 'incidents?state=some')).toMatchObject({ status: 400 });
    expect(await site.api('POST', 'incidents/ffff/ack', {})).toMatchObject({ status: 404 });
  });
});

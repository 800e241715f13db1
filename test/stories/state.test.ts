import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import type { CheckpointInfo } from '../../src/checkpoints/index.ts';
import { paramedic, Site, sleeper } from '../support/daemon.ts';
import type { Given } from '../support/given.ts';
import { audit } from '../support/ledger.ts';
import { speakerOf } from '../support/speaker.ts';
import { until } from '../support/temp.ts';

const LONG = 120_000;
const KILLS = 15;
const eager = { policy: 'immediate', max_restarts: 1_000 };
const remembering = join(import.meta.dirname, '..', 'support', 'remembering.ts');

const checkpointsOf = async (site: Site): Promise<CheckpointInfo[]> =>
  ((await site.api('GET', 'checkpoints')).body as { checkpoints: CheckpointInfo[] }).checkpoints;

describe('a component that journals and saves under load', () => {
  it(`has all that was acknowledged after each of ${KILLS} kills, once`, { timeout: LONG }, async () => {
    const site = new Site({
      restart: { max_restarts_per_hour: 1_000 },
      components: { planner: { command: [process.execPath, remembering, 'ledger'], restart: eager } },
    });
    const account = () => audit(join(site.folder, 'ledger'));
    await site.start();
    for (let kill = 0; kill < KILLS; kill++) {
      const { acknowledged, checkpoints } = account();
      const enough = () => account().acknowledged > acknowledged + 100 && account().checkpoints > checkpoints;
      await until('some more of its work', enough, 60_000);
      process.kill((await site.untilState('planner', 'running')).pid!, 'SIGKILL');
      await until('the next life', () => account().restores === kill + 2, 30_000);
    }
    const { lost, doubled, older, errors, ...counts } = account();
    expect({ lost, doubled, older, errors }).toEqual({ lost: [], doubled: [], older: [], errors: [] });
    expect(counts.starts).toHaveLength(KILLS + 1);
    expect(await site.component('planner')).toMatchObject({ crashes: KILLS, restarts: KILLS });

    const restored = await site.events('checkpoint.restored');
    expect(restored).toHaveLength(KILLS);
    for (const event of restored)
      expect(event).toMatchObject({ source: 'latest', outcome: 'success', data_loss_ms: 0 });
  });
});

describe('the newest checkpoint, tampered with while no daemon was there', () => {
  it('is never used: the one before is, with the journal since, and everybody is told', { timeout: LONG }, async () => {
    const site = new Site({ components: { planner: sleeper({ restart: eager, state: { schema_version: 3 } }) } });
    await site.start();
    const first = await site.untilState('planner', 'running');
    const say = speakerOf(site, first.pid!);
    expect(await say('GET', 'state')).toMatchObject({ status: 200, body: { state: null, journal: [] } });
    await say('POST', 'journal', { operation: 'step', data: 1 });
    const good = await say('PUT', 'state', { state: { done: 1 }, through: 1 });
    await say('POST', 'journal', { operation: 'step', data: 2 });
    const bad = await say('PUT', 'state', { state: { done: 2 }, through: 2 });
    await say('POST', 'journal', { operation: 'step', data: 3 });
    await site.end('SIGKILL');
    const db = new Sqlite(join(site.stateDir, 'db', 'state.db'));
    db.prepare(`UPDATE checkpoint SET state = CAST('{"done":9}' AS BLOB) WHERE id = ?`).run(bad.body['checkpoint_id']);
    db.close();
    await site.start();
    process.kill(first.pid!, 'SIGKILL');
    const second = await site.untilState('planner', 'running', first.pid);

    const { status, body } = await speakerOf(site, second.pid!)('GET', 'state');
    const { checkpoint_id, state, journal, schema_version } = body as unknown as Given;
    expect({ status, checkpoint_id, state, schema_version }).toEqual({
      status: 200,
      schema_version: 3,
      checkpoint_id: good.body['checkpoint_id'],
      state: { done: 1 },
    });
    expect(journal.map(({ data }) => data)).toEqual([2, 3]);
    const [told, ...more] = await site.events('checkpoint.corrupted');
    expect(told).toMatchObject({ component: 'planner', checkpoint: bad.body['checkpoint_id'] });
    expect(more).toEqual([]);
    expect(await site.events('checkpoint.restored')).toMatchObject([{ source: 'previous', entries_replayed: 2 }]);
    expect(await site.metrics()).toContain('paramedic_checkpoint_corruptions_total{component="planner"} 1');
    expect((await checkpointsOf(site)).map(({ checkpoint_id: id, valid }) => [id, valid])).toEqual([
      [bad.body['checkpoint_id'], false],
      [good.body['checkpoint_id'], true],
    ]);
  });

  it('is found by verification, before anybody needs it', async () => {
    const site = new Site({ components: { planner: sleeper() } });
    await site.start();
    const { pid } = await site.untilState('planner', 'running');
    const say = speakerOf(site, pid!);
    await say('PUT', 'state', { state: 'good' });
    const { body } = await say('PUT', 'state', { state: 'good too' });
    const verify = () => paramedic(['checkpoints', 'verify', '--config', site.file]);
    expect(await verify()).toMatchObject({ code: 0 });
    await site.end('SIGKILL');
    const db = new Sqlite(join(site.stateDir, 'db', 'state.db'));
    db.prepare(`UPDATE checkpoint SET state = CAST('"evil"' AS BLOB) WHERE id = ?`).run(body['checkpoint_id']);
    db.close();
    await site.start();

    const { code, stdout, stderr } = await verify();
    expect(code).toBe(1);
    expect(stdout + stderr).toContain(body['checkpoint_id']);
    expect(await site.events('checkpoint.corrupted')).toMatchObject([{ checkpoint: body['checkpoint_id'] }]);
  });
});

describe('what a component may say', () => {
  it('of changes that are not saved is seen at each scrape, until they are', async () => {
    const site = new Site({ components: { planner: sleeper({ state: { recovery_point_objective: '90s' } }) } });
    await site.start();
    const { pid } = await site.untilState('planner', 'running');
    const say = speakerOf(site, pid!);
    const atRisk = async () =>
      /^paramedic_checkpoint_dirty_seconds\{component="planner"\} ([\d.]+)$/m.exec(await site.metrics())?.[1];
    expect(await atRisk()).toBeUndefined();
    await say('POST', 'heartbeat', { state: 'dirty', dirty_seconds: 3_600 });
    expect(Number(await atRisk())).toBeGreaterThanOrEqual(3_600);
    expect(await site.metrics()).toContain('paramedic_rpo_objective_seconds{component="planner"} 90\n');
    await say('PUT', 'state', { state: 'saved' });
    expect(await atRisk()).toBe('0');
  });

  it('is refused once a newer life has begun, and to one that does not say how far its state goes', async () => {
    const site = new Site({ components: { planner: sleeper({ restart: eager }) } });
    await site.start();
    const first = await site.untilState('planner', 'running');
    const old = speakerOf(site, first.pid!);
    expect(await old('PUT', 'state', { state: 'first' })).toMatchObject({ status: 200 });
    expect(await old('POST', 'journal', { operation: 'step' })).toMatchObject({ status: 200, body: { entry_id: 1 } });
    const unsaid = await old('PUT', 'state', { state: 'second' });
    expect(unsaid).toMatchObject({ status: 400, body: { code: 'BODY_INVALID' } });
    expect(unsaid.body['detail']).toContain('through: is required');

    process.kill(first.pid!, 'SIGKILL');
    const second = await site.untilState('planner', 'running', first.pid);
    const stale = { status: 409, body: { code: 'STALE_INCARNATION' } };
    expect(await old('PUT', 'state', { state: 'late', through: 1 })).toMatchObject(stale);
    expect(await old('POST', 'journal', { operation: 'late' })).toMatchObject(stale);
    expect(await old('GET', 'state')).toMatchObject(stale);
    expect(await old('POST', 'heartbeat', {})).toMatchObject(stale);
    expect(await speakerOf(site, second.pid!)('GET', 'state')).toMatchObject({
      status: 200,
      body: { state: 'first', journal: [{ operation: 'step' }] },
    });
  });

  it('is kept but not given back with preserve: false', async () => {
    const site = new Site({ components: { planner: sleeper({ restart: eager, state: { preserve: false } }) } });
    await site.start();
    const first = await site.untilState('planner', 'running');
    const say = speakerOf(site, first.pid!);
    await say('POST', 'journal', { operation: 'step' });
    expect(await say('PUT', 'state', { state: 'kept', through: 1 })).toMatchObject({ status: 200 });
    process.kill(first.pid!, 'SIGKILL');
    const second = await site.untilState('planner', 'running', first.pid);

    const again = speakerOf(site, second.pid!);
    const nothing = { checkpoint_id: null, state: null, journal: [], data_loss_seconds: 0, through: 1 };
    expect(await again('GET', 'state')).toMatchObject({ status: 200, body: nothing });
    expect(await again('PUT', 'state', { state: 'new', through: 1 })).toMatchObject({ status: 200 });
    expect(await checkpointsOf(site)).toHaveLength(2);
    expect(await site.events('checkpoint.restored')).toEqual([]);
  });
});

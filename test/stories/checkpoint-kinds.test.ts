import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CheckpointInfo } from '../../src/checkpoints/index.ts';
import { client, paramedic, Site, sleeper } from '../support/daemon.ts';
import { speakerOf } from '../support/speaker.ts';
import { until } from '../support/temp.ts';

const eager = { policy: 'immediate', max_restarts: 1_000 };

const checkpointsOf = async (site: Site): Promise<CheckpointInfo[]> =>
  ((await site.api('GET', 'checkpoints')).body as { checkpoints: CheckpointInfo[] }).checkpoints;

describe('a checkpoint on disk', () => {
  it('brings a component back whose state.db is lost', async () => {
    const site = new Site({
      components: {
        planner: client(
          `const { state, journal } = await line.restore();
           let steps = [...(state ?? []), ...journal.map(({ operation }) => operation)];
           line.onGetState(() => ({ state: steps }));
           line.onSetState(({ state, journal }) => { steps = [...state, ...journal.map(({ operation }) => operation)]; });
           for (const step of ['one', 'two']) {
             await line.journal(step);
             steps.push(step);
           }
           setInterval(() => {}, 1e6);`,
          { restart: eager },
        ),
      },
    });
    const run = (...line: string[]) => paramedic([...line, '--config', site.file]);
    const create = (...more: string[]) =>
      until('it to have done its steps, and to listen', async () => {
        const ran = await run('checkpoints', 'create', 'planner', '--json', ...more);
        if (ran.code !== 0) return false;
        const made = JSON.parse(ran.stdout) as { checkpoint_id: string; kind: string; file: string; message: string };
        const shown = await site.api('GET', `checkpoints/${made.checkpoint_id}`);
        return (shown.body as { state: string[] }).state.length >= 2 && made;
      });
    await site.start();
    const { checkpoint_id: id, file, kind, message } = await create('--kind', 'disk');
    expect({ kind, message }).toEqual({ kind: 'disk', message: `planner has saved its state as ${id} and in ${file}` });
    expect(file).toBe(join(site.stateDir, 'checkpoints', 'planner', `${id}.json`));
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ checkpoint_id: id, state: ['one', 'two'] });
    expect((await run('checkpoints', 'verify')).code).toBe(0);
    await site.end('SIGKILL');
    for (const name of readdirSync(join(site.stateDir, 'db')).filter((each) => each.startsWith('state.db')))
      rmSync(join(site.stateDir, 'db', name));

    await site.start();
    expect(await checkpointsOf(site)).toEqual([]);
    const listed = await run('checkpoints', 'list', '--component', 'planner', '--files', '--json');
    expect(JSON.parse(listed.stdout)).toMatchObject([{ checkpoint_id: id, component: 'planner', file }]);
    const { pid } = await site.untilState('planner', 'running');
    process.kill(pid!, 'SIGKILL');
    await site.untilState('planner', 'running', pid!);
    const anew = await create();
    const shown = await run('checkpoints', 'show', id, '--json');
    expect(JSON.parse(shown.stdout)).toMatchObject({ checkpoint_id: id, kind: 'disk', state: ['one', 'two'] });
    const recovered = await run('recover', '--checkpoint', id);
    expect(recovered).toMatchObject({ code: 0, stderr: '' });
    expect(recovered.stdout).toContain(`planner from ${id} (not all that it journalled since is kept`);
    const next = await create();
    expect((await site.api('GET', `checkpoints/${next.checkpoint_id}`)).body).toMatchObject({ state: ['one', 'two'] });
    expect((await checkpointsOf(site)).map(({ checkpoint_id: each }) => each)).toEqual(
      expect.arrayContaining([next.checkpoint_id, id, anew.checkpoint_id]),
    );
    const { recoveries } = (await site.api('GET', 'recoveries')).body as { recoveries: { points: object[] }[] };
    expect(recoveries[0]?.points).toMatchObject([{ checkpoint_id: id, how: 'set_state' }]);

    writeFileSync(file, readFileSync(file, 'utf8').replace('two', 'six'));
    const verified = await run('checkpoints', 'verify');
    expect(verified.code).toBe(1);
    expect(verified.stdout).toContain(`the file of ${id}, ${file}, cannot be used: its state does not match`);
    const missing = await run('recover', '--checkpoint', 'CP-20260101-000000-00000000');
    expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining('No checkpoint "CP-2026') as string });
  });
});

describe('a checkpoint in memory', () => {
  it('is given back after a crash; after the death of the daemon the stored one is, and the loss is told', async () => {
    const site = new Site({ components: { planner: sleeper({ restart: eager }) } });
    await site.start();
    let { pid } = await site.untilState('planner', 'running');
    /** Kills it. @returns what the next life continues from. */
    const afterCrash = async () => {
      process.kill(pid!, 'SIGKILL');
      ({ pid } = await site.untilState('planner', 'running', pid!));
      return (await speakerOf(site, pid!)('GET', 'state')).body;
    };
    const save = (state: unknown, kind = '') => speakerOf(site, pid!)('PUT', `state${kind}`, { state });

    const stored = await save('stored');
    const storedAt = Date.now();
    const memory = await save('in memory', '?kind=memory');
    expect([stored.body['kind'], memory.body['kind']]).toEqual(['full', 'memory']);
    expect((await checkpointsOf(site)).map(({ kind }) => kind)).toEqual(['memory', 'full']);
    expect(await afterCrash()).toMatchObject({ checkpoint_id: memory.body['checkpoint_id'], state: 'in memory' });

    await save('in memory again', '?kind=memory');
    await site.end('SIGKILL');
    await site.start();
    expect((await checkpointsOf(site)).map(({ kind }) => kind)).toEqual(['full']);
    await until('a second since the stored one', () => Date.now() - storedAt > 1_000);
    const restored = await afterCrash();
    expect(restored).toMatchObject({ checkpoint_id: stored.body['checkpoint_id'], state: 'stored' });
    expect(restored['data_loss_seconds']).toBeGreaterThanOrEqual(1);
    expect(restored['lost_checkpoints']).toBe(0);
    expect(await site.events('checkpoint.lost')).toEqual([]);
    expect(await site.events('checkpoint.written')).toHaveLength(1);

    const unknown = await save(1, '?kind=ram');
    expect(unknown).toMatchObject({ status: 400, body: { code: 'BODY_INVALID' } });
    expect(unknown.body['detail']).toContain('kind');
    const patch = { base: stored.body['checkpoint_id'], operations: [] };
    const refused = await speakerOf(site, pid!)('PATCH', 'state?kind=memory', patch);
    expect(refused).toMatchObject({ status: 400 });
    expect(refused.body['detail']).toContain('kind: is for PUT');
  });

  it('is made when a person asks for it, or the program itself', async () => {
    const site = new Site({
      components: {
        counter: client(
          `let count = 0;
           line.onGetState(() => ({ state: ++count }));
           await line.saveState('own', { kind: 'memory' });
           setInterval(() => {}, 1e6);`,
        ),
      },
    });
    await site.start();
    const own = await until('its own one', async () => (await checkpointsOf(site))[0]);
    expect(own).toMatchObject({ component: 'counter', kind: 'memory', trigger: 'interval' });
    const run = (...kind: string[]) =>
      until('it to listen', async () => {
        const ran = await paramedic(['checkpoints', 'create', 'counter', '--config', site.file, ...kind]);
        return !ran.stderr.includes('does not listen') && ran;
      });
    expect(await run('--kind', 'memory')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^counter has saved its state as CP-\S+ in memory\n$/) as string,
    });
    expect(await checkpointsOf(site)).toMatchObject([{ kind: 'memory', trigger: 'manual' }]);
    expect(await run()).toMatchObject({ code: 0, stdout: expect.stringMatching(/as CP-\S+\n$/) as string });
    expect(await checkpointsOf(site)).toMatchObject([{ kind: 'full', trigger: 'manual' }]);
    expect(await run('--kind', 'ram')).toMatchObject({ code: 2, stderr: expect.stringContaining('--kind') as string });
    expect(await site.api('POST', 'checkpoints', { component: 'counter', kind: 'ram' })).toMatchObject({ status: 400 });
  });
});

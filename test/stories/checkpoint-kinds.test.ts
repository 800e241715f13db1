import { describe, expect, it } from 'vitest';
import type { CheckpointInfo } from '../../src/checkpoints/index.ts';
import { client, paramedic, Site, sleeper } from '../support/daemon.ts';
import { speakerOf } from '../support/speaker.ts';
import { until } from '../support/temp.ts';

const eager = { policy: 'immediate', max_restarts: 1_000 };

const checkpointsOf = async (site: Site): Promise<CheckpointInfo[]> =>
  ((await site.api('GET', 'checkpoints')).body as { checkpoints: CheckpointInfo[] }).checkpoints;

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

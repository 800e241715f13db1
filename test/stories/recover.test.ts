import { describe, expect, it } from 'vitest';
import { client, paramedic, Site } from '../support/daemon.ts';
import { until } from '../support/temp.ts';

const eager = { policy: 'immediate', max_restarts: 1_000 };

/** Saves whatever it is asked for and goes on from what it was given; `more` is what it listens for besides. */
const remembers = (more: string) =>
  client(
    `const { state } = await line.restore();
     let count = state ?? 0;
     line.onGetState(() => ({ state: ++count }));
     ${more}
     setInterval(() => {}, 1e6);`,
    { restart: eager },
  );

const saved = (site: Site, component: string) =>
  until(`a checkpoint of ${component}`, async () => {
    const { status, body } = await site.api('POST', 'checkpoints', { component });
    return status === 200 && (body as { checkpoint_id: string }).checkpoint_id;
  });

const stateOf = async (site: Site, checkpoint: string) =>
  ((await site.api('GET', `checkpoints/${checkpoint}`)).body as { state: number }).state;

describe('a person who goes back', () => {
  it('gives a component an older state, while it runs or by a restart, and sees what was done', async () => {
    const site = new Site({
      components: {
        listens: remembers('line.onSetState(({ state }) => { count = (state ?? 0) + 100; });'),
        restarts: remembers(''),
      },
    });
    await site.start();
    const before = await site.untilState('restarts', 'running');
    const first: Record<string, string> = {};
    for (const name of ['listens', 'restarts']) {
      first[name] = await saved(site, name);
      await saved(site, name);
      expect(await stateOf(site, await saved(site, name))).toBe(3);
    }

    const run = (...more: string[]) => paramedic(['recover', '--config', site.file, ...more]);
    const live = await run('--checkpoint', first['listens'] ?? '');
    expect(live).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`listens from ${first['listens']}`) as string,
    });
    expect(await stateOf(site, await saved(site, 'listens'))).toBe(102);

    expect(await run('--checkpoint', first['restarts'] ?? '', '--component', 'restarts')).toMatchObject({ code: 0 });
    expect((await site.untilState('restarts', 'running')).pid).not.toBe(before.pid);
    expect(await stateOf(site, await saved(site, 'restarts'))).toBe(2);

    expect(await run('--mode', 'none', '--component', 'restarts')).toMatchObject({ code: 0 });
    expect(await stateOf(site, await saved(site, 'restarts'))).toBe(1);

    const wrong = await run('--checkpoint', first['restarts'] ?? '', '--component', 'listens');
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('is one of "restarts"') as string });
    expect(await run('--mode', 'some')).toMatchObject({ code: 2 });

    const { body } = await site.api('GET', 'recoveries');
    expect((body as { recoveries: unknown[] }).recoveries).toMatchObject([
      { mode: 'none', points: [{ component: 'restarts', checkpoint_id: null }] },
      { mode: 'full', points: [{ component: 'restarts', checkpoint_id: first['restarts'], how: 'restart' }] },
      { mode: 'full', outcome: 'success', points: [{ component: 'listens', how: 'set_state', why: null }] },
    ]);
    const memory = await site.api('POST', 'checkpoints', { component: 'restarts', kind: 'memory' });
    expect(memory).toMatchObject({ status: 200, body: { kind: 'memory' } });
    const { checkpoint_id: newest } = memory.body as { checkpoint_id: string };
    // To the newest: the state that it saves when it is stopped for this does not count.
    const recovered = await run('--component', 'restarts');
    expect(recovered).toMatchObject({ code: 0, stdout: expect.stringContaining(`from ${newest}`) as string });
    expect(await stateOf(site, newest)).toBe(2);
    expect(await stateOf(site, await saved(site, 'restarts'))).toBe(3);

    const shown = await paramedic(['checkpoints', 'show', first['restarts'] ?? '', '--config', site.file, '--json']);
    expect(JSON.parse(shown.stdout)).toMatchObject({ component: 'restarts', state: 1 });
    expect(await paramedic(['checkpoints', 'prune', '--config', site.file])).toMatchObject({ code: 0 });
  });
});

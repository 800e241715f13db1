import { describe, expect, it } from 'vitest';
import { client, paramedic, Site } from '../support/daemon.ts';
import { speakerOf } from '../support/speaker.ts';
import { until } from '../support/temp.ts';

const LONG = 120_000;

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

/** Notes what it was given; saves what it is told over the speaker, and `n` when it is asked. */
const notes = (more: Record<string, unknown> = {}, code = '') =>
  client(
    `import { appendFileSync } from 'node:fs';
     const { state } = await line.restore();
     appendFileSync('given', JSON.stringify(state) + '\\n');
     ${code}
     setInterval(() => {}, 1e6);`,
    { restart: eager, ...more },
  );
const givenAt = (site: Site): unknown[] =>
  (site.read('given') ?? '').split('\n').flatMap((text): unknown[] => (text === '' ? [] : [JSON.parse(text)]));

const givenAgain = (site: Site, times: number) => until(`life ${times}`, () => givenAt(site).length >= times, LONG);

/** One state after the other. @returns their checkpoints. */
async function saveAll(site: Site, ...states: unknown[]): Promise<string[]> {
  await givenAgain(site, 1);
  const { pid } = await site.untilState('planner', 'running');
  const say = speakerOf(site, pid!);
  const ids: string[] = [];
  for (const state of states) ids.push(String((await say('PUT', 'state', { state })).body['checkpoint_id']));
  return ids;
}

const killed = async (site: Site) => process.kill((await site.untilState('planner', 'running')).pid!, 'SIGKILL');

describe('a component that was brought back and has not saved since', () => {
  it.each([
    ['by a restart', ''],
    ['while it runs', 'line.onSetState(() => {});'],
  ])('is given the same after each crash, %s, until it saves', { timeout: LONG }, async (_, listens) => {
    const site = new Site({ components: { planner: notes({}, listens) } });
    await site.start();
    const [old = ''] = await saveAll(site, 'old', 'new');
    expect(await site.api('POST', 'recoveries', { checkpoint: old })).toMatchObject({ status: 200 });
    const crash = async () => {
      const lives = givenAt(site).length;
      await killed(site);
      await givenAgain(site, lives + 1);
      return givenAt(site).at(-1);
    };
    expect(await crash()).toBe('old');
    await site.end('SIGKILL');
    await site.start();
    expect(await crash()).toBe('old');
    const shown = await paramedic(['checkpoints', 'list', '--config', site.file]);
    expect(shown.stdout).toContain(`planner continues from ${old} until it saves again`);
    const { pid } = await site.untilState('planner', 'running');
    await speakerOf(site, pid!)('PUT', 'state', { state: 'anew' });
    expect(await crash()).toBe('anew');
    expect((await site.api('GET', 'checkpoints')).body).toMatchObject({ resume_points: [] });
  });

  it('is restarted from there when it has the state and says nothing', { timeout: LONG }, async () => {
    const hangs = `line.onSetState(() => new Promise(() => {})); line.onGetState(() => ({ state: 'at the stop' }));`;
    const site = new Site({ components: { planner: notes({}, hangs) } });
    await site.start();
    const [old = ''] = await saveAll(site, 'old', 'new');
    const asked = { checkpoint: old, timeout: '500ms' };
    expect(await site.api('POST', 'recoveries', asked)).toMatchObject({
      status: 200,
      body: { points: [{ component: 'planner', checkpoint_id: old, how: 'restart' }] },
    });
    await givenAgain(site, 2);
    await killed(site);
    await givenAgain(site, 3);
    expect(givenAt(site)).toEqual([null, 'old', 'old']);
  });

  it('is given it too when the daemon is killed before it was started', { timeout: LONG }, async () => {
    const stays = `if (state === null) process.on('SIGTERM', () => {}); line.onGetState(() => ({ state: 'at the stop' }));`;
    const site = new Site({ components: { planner: notes({ stop: { timeout: '60s' } }, stays) } });
    await site.start();
    const [old = ''] = await saveAll(site, 'old', 'new');
    const { pid } = await site.untilState('planner', 'running');
    const recovery = site.api('POST', 'recoveries', { checkpoint: old }).catch(() => undefined);
    await until('the state that it saves when it is stopped', async () => {
      const written = await site.events('checkpoint.written');
      return written.some((event) => event['trigger'] === 'shutdown');
    });
    await site.end('SIGKILL');
    await recovery;
    process.kill(pid!, 'SIGKILL');
    await site.start();
    await givenAgain(site, 2);
    expect(givenAt(site)).toEqual([null, 'old']);
  });

  it('is given the one before when it crashes of that too', { timeout: LONG }, async () => {
    const crashes = `if (state === 'bad') setTimeout(() => { throw new Error('this cannot be'); }, 1_000);`;
    const site = new Site({ components: { planner: notes({}, crashes) } });
    await site.start();
    const [, bad = ''] = await saveAll(site, 'good', 'bad', 'new');
    expect(await site.api('POST', 'recoveries', { checkpoint: bad })).toMatchObject({ status: 200 });
    await givenAgain(site, 4);
    expect(givenAt(site)).toEqual([null, 'bad', 'bad', 'good']);
  });
});

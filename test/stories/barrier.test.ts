import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { client, paramedic, Site } from '../support/daemon.ts';
import { until } from '../support/temp.ts';

const python = join(import.meta.dirname, '..', '..', 'examples', 'python');

/**
 * Counts in its journal as fast as it can, and notes when it is paused and goes on. With a file NAME.hang it never says
 * that it has paused.
 */
const counter = {
  javascript: client(`
    import { appendFileSync, existsSync } from 'node:fs';
    const { state, journal } = await line.restore();
    let count = state ?? 0;
    const note = (what) => appendFileSync(line.component + '.notes', what + ' ' + count + '\\n');
    note('begins with ' + journal.length + ' after');
    line.onGetState(() => ({ state: count }));
    line.onPause(async () => {
      if (existsSync(line.component + '.hang')) { note('hangs'); await new Promise(() => {}); }
      note('paused');
      return () => note('goes on');
    });
    for (;;) { await line.journal('one'); count++; }`),
  python: {
    command: [
      'python3',
      '-B',
      '-c',
      `
import os, time, paramedic
line = paramedic.connect()
restored = line.restore()
count = restored["state"] or 0
def note(what):
    with open(line.component + ".notes", "a") as file:
        file.write(what + " " + str(count) + "\\n")
note("begins with %d after" % len(restored["journal"]))
def pause(order):
    if os.path.exists(line.component + ".hang"):
        note("hangs")
        time.sleep(1000)
    note("paused")
    return lambda: note("goes on")
line.on_get_state(lambda: count)
line.on_pause(pause)
while True:
    with line.step:
        line.journal("one")
        count += 1
`,
    ],
    env: { PYTHONPATH: python },
  },
};

/**
 * One gives work to the other over HTTP, and finishes what it has begun before it pauses; the other journals for it, and
 * begins nothing by itself. Of its first step the one has done half when it is told to pause.
 */
const pair = {
  planner: client(`
    import { existsSync, readFileSync, writeFileSync } from 'node:fs';
    const { state } = await line.restore();
    let done = state ?? 0;
    let turn = Promise.resolve();
    let stopped = false;
    line.onGetState(() => ({ state: done }));
    line.onPause(async () => {
      stopped = true;
      writeFileSync('pausing', '');
      await turn;
      return () => { stopped = false; };
    });
    const step = async () => {
      const ask = () => fetch('http://127.0.0.1:' + readFileSync('port', 'utf8'), { method: 'POST' });
      await ask();
      writeFileSync('begun', '');
      while (!existsSync('pausing')) await new Promise((go) => setTimeout(go, 10));
      await ask();
      await line.journal('done');
      done++;
    };
    while (!existsSync('port')) await new Promise((go) => setTimeout(go, 10));
    for (;;) {
      if (stopped) { await new Promise((go) => setTimeout(go, 10)); continue; }
      turn = step();
      await turn;
    }`),
  keeper: client(`
    import { createServer } from 'node:http';
    import { writeFileSync } from 'node:fs';
    const { state } = await line.restore();
    let kept = state ?? 0;
    line.onGetState(() => ({ state: kept }));
    line.onPause(() => {}, { answers: true });
    const server = createServer(async (request, response) => {
      await line.journal('kept');
      kept++;
      response.end();
    });
    server.listen(0, '127.0.0.1', () => writeFileSync('port', String(server.address().port)));`),
};

type Taken = { manifest_id: string; checkpoints: Record<string, string> };

/** Two that are to be saved together, in a state folder of their own. */
async function together() {
  const eager = { restart: { policy: 'immediate', max_restarts: 100 } };
  const components = { one: { ...counter.javascript, ...eager }, two: { ...counter.python, ...eager } };
  const site = new Site({ components });
  await site.start();
  for (const name of ['one', 'two']) await site.untilState(name, 'running');
  const take = (more: object = {}) => site.api('POST', 'checkpoints', { consistent: true, ...more });
  /** They listen a moment after they run. */
  const taken = () =>
    until('both to be saved', async () => {
      const { status, body } = await take({ components: ['one', 'two'], timeout: '60s' });
      return status === 200 && (body as Taken);
    });
  const notes = (name: string) => (site.read(`${name}.notes`) ?? '').trim().split('\n').filter(Boolean);
  const count = (name: string, what: string) => notes(name).filter((note) => note.startsWith(what)).length;
  const manifests = async () => ((await site.api('GET', 'checkpoints')).body as { manifests: unknown[] }).manifests;
  return { site, take, taken, notes, count, manifests };
}

describe('a consistent checkpoint', () => {
  it('holds what each had done when it paused, and all go on', async () => {
    const { site, taken, notes, count } = await together();
    const { manifest_id: id, checkpoints } = await taken();
    for (const [name, checkpoint] of Object.entries(checkpoints)) {
      const { state } = (await site.api('GET', `checkpoints/${checkpoint}`)).body as { state: number };
      expect(state).toBeGreaterThan(0);
      expect(notes(name).at(-1)).toBe(`goes on ${state}`);
      expect(count(name, 'goes on')).toBe(count(name, 'paused'));
    }
    const shown = await paramedic(['checkpoints', 'show', id, '--json', '--config', site.file]);
    expect(JSON.parse(shown.stdout)).toMatchObject({
      manifest_id: id,
      valid: true,
      parts: Object.entries(checkpoints).map(([component, checkpoint_id]) => ({ component, checkpoint_id })),
    });
    const list = await paramedic(['checkpoints', 'list', '--config', site.file]);
    expect(list.stdout).toContain(id);
    const again = await paramedic(['checkpoints', 'create', '--consistent', '--config', site.file]);
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('saved together as MAN-') as string });
    const verified = await paramedic(['checkpoints', 'verify', '--config', site.file]);
    expect(verified).toMatchObject({ code: 0 });
    expect(await paramedic(['checkpoints', 'create', 'one', 'two', '--config', site.file])).toMatchObject({ code: 2 });
    const { body } = await site.api('POST', 'checkpoints', { component: 'one', consistent: true });
    expect(body).toMatchObject({ code: 'BODY_INVALID' });
  });

  it('is taken while one has to be answered by another before it can pause', async () => {
    const site = new Site({ components: pair });
    await site.start();
    for (const name of ['planner', 'keeper']) await site.untilState(name, 'running');
    await until('a first step', () => site.read('begun') !== undefined);
    const answer = await until('both to listen', async () => {
      const body = { consistent: true, components: ['planner', 'keeper'], timeout: '20s' };
      const one = await site.api('POST', 'checkpoints', body);
      return !JSON.stringify(one.body).includes('listen') && one;
    });
    expect(answer).toMatchObject({ status: 200 });
    const { checkpoints } = answer.body as Taken;
    const stateOf = async (name: string) =>
      ((await site.api('GET', `checkpoints/${checkpoints[name]}`)).body as { state: number }).state;
    // What was begun was finished: the keeper has kept two for each that the planner has done.
    expect(await stateOf('planner')).toBeGreaterThan(0);
    expect(await stateOf('keeper')).toBe(2 * (await stateOf('planner')));
  });

  it('is gone back to: each is given exactly the state of then, and none what it has journalled since', async () => {
    const { site, taken, notes } = await together();
    const { manifest_id: id, checkpoints } = await taken();
    const cut: Record<string, number> = {};
    for (const [name, checkpoint] of Object.entries(checkpoints))
      cut[name] = ((await site.api('GET', `checkpoints/${checkpoint}`)).body as { state: number }).state;
    await taken();
    for (const name of ['one', 'two']) {
      const last = Number(notes(name).at(-1)?.split(' ').at(-1));
      expect(last).toBeGreaterThan(cut[name] ?? Infinity);
    }

    const back = await paramedic(['recover', '--checkpoint', id, '--config', site.file]);
    expect(back).toMatchObject({ code: 0, stdout: expect.stringContaining(`recovered to ${id}`) as string });
    for (const name of ['one', 'two'])
      await until(`${name} to begin again`, () => notes(name).at(-1) === `begins with 0 after ${cut[name]}`);
    const { body } = await site.api('GET', 'recoveries');
    const points = Object.entries(checkpoints).map(([component, checkpoint_id]) => ({
      component,
      checkpoint_id,
      how: 'restart',
      estimated_data_loss_seconds: expect.any(Number) as number,
    }));
    expect(body).toMatchObject({ recoveries: [{ manifest_id: id, outcome: 'success', points }] });

    const alone = await paramedic(['recover', '--checkpoint', id, '--component', 'one', '--config', site.file]);
    expect(alone.stderr).toContain('is gone back to as a whole');
    expect(alone.code).not.toBe(0);
    const unknown = await site.api('POST', 'recoveries', { checkpoint: 'MAN-1' });
    expect(unknown).toMatchObject({ status: 404, body: { code: 'CHECKPOINT_NOT_FOUND' } });
  });

  it.each(['one', 'two'])('is given up when %s is killed meanwhile, and the other goes on', async (victim) => {
    const { site, take, taken, count, manifests } = await together();
    const other = victim === 'one' ? 'two' : 'one';
    await taken();
    const before = count(other, 'goes on');
    site.write(`${victim}.hang`, '');
    const { pid } = await site.component(victim);
    const taking = take({ timeout: '60s' });
    await until('the pause', () => count(victim, 'hangs') > 0 && count(other, 'paused') > before);
    expect(await take()).toMatchObject({ status: 409, body: { code: 'ACTION_REFUSED' } });
    process.kill(pid ?? 0, 'SIGKILL');
    expect(await taking).toMatchObject({ status: 502, body: { detail: expect.stringContaining(victim) as string } });
    await until('the other to go on', () => count(other, 'goes on') === before + 1);
    expect(await manifests()).toHaveLength(1);
    expect((await site.events('system.checkpointed')).at(-1)).toMatchObject({ outcome: 'failure', manifest: null });
  });

  it('is given up when one does not answer', async () => {
    const { site, take, taken, count, manifests } = await together();
    await taken();
    const before = count('one', 'goes on');
    site.write('two.hang', '');
    expect(await take({ timeout: '2s' })).toMatchObject({ status: 502, body: { code: 'ACTION_FAILED' } });
    await until('the other to go on', () => count('one', 'goes on') > before);
    expect(await manifests()).toHaveLength(1);
  });

  it('leaves nobody paused when the daemon is stopped without them', async () => {
    const { site, take, taken, count } = await together();
    await taken();
    const before = { one: count('one', 'goes on'), two: count('two', 'paused') };
    site.write('two.hang', '');
    const taking = take({ timeout: '5m' }).catch(() => 'cut off');
    await until('the pause', () => count('two', 'hangs') > 0 && count('one', 'paused') > before.one);
    const stopped = await paramedic(['stop', '--keep-components', '--config', site.file]);
    expect(stopped).toMatchObject({ code: 0 });
    await until('it to go on', () => count('one', 'goes on') === before.one + 1);
    await taking;
    // It adopts them, and ends them with the test.
    await site.start();
  });

  it('leaves nobody paused when the daemon is killed meanwhile', async () => {
    const { site, take, taken, count, manifests } = await together();
    await taken();
    const before = { one: count('one', 'goes on'), two: count('two', 'paused') };
    site.write('two.hang', '');
    const taking = take({ timeout: '3s' }).catch(() => 'cut off');
    await until('the pause', () => count('two', 'hangs') > 0 && count('one', 'paused') > before.one);
    await site.end('SIGKILL');
    expect(await taking).toBe('cut off');
    await until('it to go on by itself', () => count('one', 'goes on') === before.one + 1);
    await site.start();
    expect(await manifests()).toHaveLength(1);
  });
});

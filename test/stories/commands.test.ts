import { get, type IncomingMessage } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { client, paramedic, script, Site, sleeper } from '../support/daemon.ts';
import { speakerOf } from '../support/speaker.ts';
import { until } from '../support/temp.ts';
import { environOf } from '../support/witness.ts';

const eager = { policy: 'immediate', max_restarts: 1_000 };

/** Counts what it journals, and saves its count only when asked. */
const counter = (more: Record<string, unknown> = {}) =>
  client(
    `const { state, journal } = await line.restore();
     let count = (state ?? 0) + journal.length;
     const step = () => line.journal('count').then(() => count++);
     await step();
     line.onGetState(() => ({ state: count }));
     setInterval(step, 20);`,
    { restart: eager, ...more },
  );

const create = (site: Site, name: string, ...more: string[]) =>
  paramedic(['checkpoints', 'create', name, '--config', site.file, ...more]);

/** Asks until the component listens, which it does a moment after it runs. */
const created = (site: Site, name: string) =>
  until(`a checkpoint of ${name}`, async () => {
    const { status, body } = await site.api('POST', 'checkpoints', { component: name });
    return status === 200 && (body as { checkpoint_id: string }).checkpoint_id;
  });

const checkpoint = async (site: Site, id: string) =>
  (await site.api('GET', `checkpoints/${id}`)).body as Record<'state' | 'through', number> & { trigger: string };

/** Holds the stream of commands as a component's own process would. */
async function hold(site: Site, pid: number) {
  let [text, ended] = ['', false];
  const headers = { authorization: `Bearer ${environOf(pid, 'PARAMEDIC_TOKEN')}` };
  const request = get(`${site.url}/component/v1/commands`, { headers, agent: false });
  onTestFinished(() => void request.destroy());
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve).once('error', reject);
  });
  answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  answer.once('close', () => (ended = true)).on('error', () => undefined);
  const hears = () => until('a command', () => /^data: \{"id":"(\w+)"\}\n\n$/m.exec(text)?.[1]);
  return { hears, ended: () => ended };
}

describe('a component that listens', () => {
  it('saves its present state when a person asks, and goes on from it after a crash', async () => {
    const site = new Site({ components: { counter: counter() } });
    await site.start();
    const { pid } = await site.untilState('counter', 'running');
    await created(site, 'counter');

    const { code, stdout } = await create(site, 'counter', '--json');
    expect(code).toBe(0);
    const { checkpoint_id: id, message } = JSON.parse(stdout) as Record<string, string>;
    expect(message).toBe(`counter has saved its state as ${id}`);
    const saved = await checkpoint(site, id!);
    expect(saved).toMatchObject({ trigger: 'manual', state: saved.through });
    expect(saved.state).toBeGreaterThan(0);
    expect(await site.metrics()).toMatch(/paramedic_checkpoints_total\{[^}]*trigger="manual"[^}]*\} 2/);

    process.kill(pid!, 'SIGKILL');
    await site.untilState('counter', 'running', pid);
    const again = await checkpoint(site, await created(site, 'counter'));
    expect(again.state).toBe(again.through);
    expect(again.state).toBeGreaterThan(saved.state);
  });

  it('answers the next daemon when the first was killed', async () => {
    const site = new Site({ components: { counter: counter() } });
    await site.start();
    const { pid } = await site.untilState('counter', 'running');
    const before = await checkpoint(site, await created(site, 'counter'));
    await site.end('SIGKILL');
    await site.start();
    // Its journal goes on when its client has found the new daemon, which may take it a second.
    const after = await until('a later state', async () => {
      const found = await checkpoint(site, await created(site, 'counter'));
      return found.state > before.state && found;
    });
    expect(after.state).toBe(after.through);
    expect(await site.component('counter')).toMatchObject({ pid, adopted: true, restarts: 0 });
  });
});

describe('a checkpoint that cannot be had', () => {
  it('is refused with what to do, when the component does not listen, run or exist', async () => {
    const site = new Site({ components: { deaf: sleeper(), down: sleeper({ enabled: false }) } });
    await site.start();
    await site.untilState('deaf', 'running');
    expect(await create(site, 'deaf')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('checkpoint of "deaf" failed: it does not listen for commands') as string,
    });
    const ask = (body: unknown) => site.api('POST', 'checkpoints', body);
    expect(await ask({ component: 'down' })).toMatchObject({
      status: 502,
      body: { code: 'ACTION_FAILED', detail: expect.stringContaining('it is not running') as string },
    });
    expect(await ask({ component: 'nobody' })).toMatchObject({ status: 404, body: { code: 'COMPONENT_NOT_FOUND' } });
    for (const bad of [
      {},
      { component: 1 },
      { component: 'deaf', timeout: 'soon' },
      { component: 'deaf', force: true },
    ])
      expect(await ask(bad)).toMatchObject({ status: 400, body: { code: 'BODY_INVALID' } });
  });

  it('fails when the component hangs, and works when it is well again', async () => {
    const site = new Site({ components: { counter: counter() } });
    await site.start();
    const { pid } = await site.untilState('counter', 'running');
    await created(site, 'counter');
    process.kill(pid!, 'SIGSTOP');
    const { code, stderr } = await create(site, 'counter', '--timeout', '200ms');
    expect(code).toBe(1);
    expect(stderr).toContain('it did not answer within 200ms');
    process.kill(pid!, 'SIGCONT');
    const { state, through } = await checkpoint(site, await created(site, 'counter'));
    expect(state).toBe(through);
  });

  it('fails with the reason of the component', async () => {
    const site = new Site({
      components: {
        moody: client(`line.onGetState(() => { throw new Error('not now'); }); setInterval(() => {}, 1e6);`),
      },
    });
    await site.start();
    await site.untilState('moody', 'running');
    const detail = await until('its reason', async () => {
      const { body } = await site.api('POST', 'checkpoints', { component: 'moody' });
      const said = (body as { detail: string }).detail;
      return !said.includes('does not listen') && said;
    });
    expect(detail).toBe('checkpoint of "moody" failed: it answered: Error: not now');
  });

  it('fails when the component dies over it', async () => {
    const site = new Site({ components: { mortal: sleeper({ restart: eager }) } });
    await site.start();
    const { pid } = await site.untilState('mortal', 'running');
    const { hears, ended } = await hold(site, pid!);
    const asked = site.api('POST', 'checkpoints', { component: 'mortal' });
    await hears();
    process.kill(pid!, 'SIGKILL');
    expect(await asked).toMatchObject({
      status: 502,
      body: { detail: expect.stringContaining('it ended before it answered') as string },
    });
    await until('its stream to end', ended);
  });
});

describe('an answer', () => {
  it('is taken from the one that was asked only, in the form of a state', async () => {
    const site = new Site({
      components: { planner: sleeper({ restart: eager }), other: script('setInterval(() => {}, 1e6)') },
    });
    await site.start();
    const [first, other] = [await site.untilState('planner', 'running'), await site.untilState('other', 'running')];
    const say = speakerOf(site, first.pid!);
    const ask = async () => {
      const { hears } = await hold(site, first.pid!);
      const asked = site.api('POST', 'checkpoints', { component: 'planner' });
      return { asked, id: await hears() };
    };
    const unknown = { status: 404, body: { code: 'COMMAND_NOT_FOUND' } };
    const { asked, id } = await ask();
    expect(await say('POST', 'commands/beef', { state: 1 })).toMatchObject(unknown);
    expect(await say('POST', 'commands/..%2Fstate', { state: 1 })).toMatchObject(unknown);
    expect(await speakerOf(site, other.pid!)('POST', `commands/${id}`, { state: 1 })).toMatchObject(unknown);
    const oversized = await say('POST', `commands/${id}`, { state: 'x'.repeat(16 * 2 ** 20) });
    expect(oversized).toMatchObject({ status: 413, body: { code: 'BODY_TOO_LARGE' } });
    const { body } = await say('POST', `commands/${id}`, { state: 'x'.repeat(15 * 2 ** 20) });
    expect(await asked).toMatchObject({ status: 200, body: { checkpoint_id: body['checkpoint_id'] } });
    expect(await say('POST', `commands/${id}`, { state: 'late' })).toMatchObject(unknown);

    for (const garbage of ['garbage', '[]', '{"through":1}', '{"state":1,"through":"x"}']) {
      const { asked: again, id: next } = await ask();
      expect(await say('POST', `commands/${next}`, garbage)).toMatchObject({
        status: 400,
        body: { code: 'BODY_INVALID' },
      });
      expect(await again).toMatchObject({
        status: 502,
        body: { detail: expect.stringContaining('its answer was not stored') as string },
      });
    }
    process.kill(first.pid!, 'SIGKILL');
    await site.untilState('planner', 'running', first.pid);
    const stale = { status: 409, body: { code: 'STALE_INCARNATION' } };
    expect(await say('POST', `commands/${id}`, { state: 1 })).toMatchObject(stale);
    expect(await say('GET', 'commands')).toMatchObject(stale);
    const { checkpoints } = (await site.api('GET', 'checkpoints')).body as { checkpoints: unknown[] };
    expect(checkpoints).toHaveLength(1);
  });
});

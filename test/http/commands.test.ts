import { get, type IncomingMessage } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { componentName } from '../../src/model/index.ts';
import { STREAM_HEARTBEAT_MS } from '../../src/http/server-sent.ts';
import { given } from '../support/given.ts';
import { until } from '../support/temp.ts';
import { CURRENT, serve, STALE } from './stand-in.ts';

type Server = Awaited<ReturnType<typeof serve>>;

const PATH = '/component/v1/commands';
const agent = componentName('agent_core');
const headers = { authorization: `Bearer ${CURRENT}`, 'content-type': 'application/json' };

/** A component that holds a stream of commands. */
async function listen({ port }: Server, query = '') {
  let text = '';
  let ended = false;
  const request = get({ host: '127.0.0.1', port, path: PATH + query, headers, agent: false });
  onTestFinished(() => void request.destroy());
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve).once('error', reject);
  });
  answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  answer.once('close', () => (ended = true)).on('error', () => undefined);
  const hears = () => until('a command', () => /^data: \{"id":"(\w+)".*\}$/m.exec(text)?.[1]);
  return { answer, text: () => text, ended: () => ended, hears, close: () => request.destroy() };
}

/** Asks for the state of the agent, as an action does. */
function ask({ daemon }: Server) {
  const saved = daemon.commands.saveState(agent, 'manual', 10_000);
  saved.catch(() => {});
  return saved;
}

describe('the stream of commands', () => {
  it('says what to do, with the number of the command', async () => {
    const server = await serve();
    const { answer, hears, text } = await listen(server);
    void ask(server);
    const id = await hears();
    expect(answer.headers['content-type']).toBe('text/event-stream; charset=utf-8');
    expect(text()).toContain(`\n\nid: ${id}\nevent: get_state\ndata: {"id":"${id}"}\n\n`);
  });

  it('beats, and is forgotten when the component goes', async () => {
    const server = await serve();
    const { close, text } = await listen(server);
    await server.clock.advance(STREAM_HEARTBEAT_MS);
    await until('a heartbeat', () => text().includes('\n: \n'));
    close();
    await until('nothing beats', () => server.clock.pending === 0);
    await expect(ask(server)).rejects.toThrow('does not listen');
  });

  it('ends with the life of the component, and with the listener', async () => {
    const [server, other] = [await serve(), await serve({ graceMs: 60_000 })];
    const [first, second] = [await listen(server), await listen(other)];
    server.daemon.life.abort();
    await until('the one ended', () => first.ended());
    await other.http.close();
    await until('the other ended', () => second.ended());
  });

  it.each([
    ['no token', { authorization: 'Bearer x' }, 401, 'TOKEN_UNKNOWN'],
    ['the token of an older incarnation', { authorization: `Bearer ${STALE}` }, 409, 'STALE_INCARNATION'],
  ])('is refused to %s', async (_, credentials, status, code) => {
    const { ask: request } = await serve();
    const answer = await request(PATH, { headers: credentials });
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ code });
  });

  it('is not held by a question for its headers', async () => {
    const server = await serve();
    expect((await server.ask(PATH, { method: 'HEAD', headers })).status).toBe(200);
    await expect(ask(server)).rejects.toThrow('does not listen');
  });
});

describe('an answer', () => {
  async function asked() {
    const server = await serve();
    const { hears } = await listen(server);
    const saved = ask(server);
    return { server, saved, id: await hears() };
  }
  const answerTo = (server: Server, id: string, body: string | Uint8Array<ArrayBuffer>, more = {}) =>
    server.ask(`${PATH}/${id}`, { method: 'POST', headers: { ...headers, ...more }, body });

  it('is stored as it is, unparsed, and answered with its checkpoint', async () => {
    const { server, saved, id } = await asked();
    const answer = await answerTo(server, id, '{ "state":  {"n": 1.0}, "through": 3 }');
    expect(await answer.json()).toEqual({ checkpoint_id: 'CP-20261123-224610-1A2B3C4D' });
    expect(await saved).toEqual({ checkpoint_id: 'CP-20261123-224610-1A2B3C4D' });
    expect(server.daemon.calls).toEqual([
      ['putState', 'agent_core', '{ "state":  {"n": 1.0}, "through": 3 }', 'manual'],
    ]);
  });

  it('may say that it cannot', async () => {
    const { server, saved, id } = await asked();
    expect((await answerTo(server, id, '{"error": " the model is loading "}')).status).toBe(204);
    await expect(saved).rejects.toThrow('it answered: the model is loading');
    expect(server.daemon.calls).toEqual([]);
  });

  it.each(['{"error": ""}', '{"error": 1}', '{"state": 1, "error": "x"}', 'garbage', '"x"', '', 'null', '{"error'])(
    'of %j is for the store to judge',
    async (body) => {
      const { server, id } = await asked();
      await answerTo(server, id, body);
      expect(server.daemon.calls).toEqual([['putState', 'agent_core', body, 'manual']]);
    },
  );

  it('that is large is not looked into, whatever it begins with', async () => {
    const { server, id } = await asked();
    const body = JSON.stringify({ error: 'x'.repeat(5_000) });
    await answerTo(server, id, body);
    expect(server.daemon.calls).toEqual([['putState', 'agent_core', body, 'manual']]);
  });

  it('may have as many bytes as a state, and no more', async () => {
    const { server, saved, id } = await asked();
    const big = new Uint8Array(16 * 2 ** 20 + 1).fill(0x20);
    expect((await answerTo(server, id, big)).status).toBe(413);
    expect(server.daemon.calls).toEqual([]);
    expect((await answerTo(server, id, big.subarray(1))).status).toBe(200);
    await saved;
  });

  it.each([
    ['an unknown command', 'beef', {}, 404, 'COMMAND_NOT_FOUND'],
    ['an older incarnation', null, { authorization: `Bearer ${STALE}` }, 409, 'STALE_INCARNATION'],
    ['nobody of ours', null, { authorization: 'Bearer x' }, 401, 'TOKEN_UNKNOWN'],
    ['another type', null, { 'content-type': 'text/plain' }, 415, 'CONTENT_TYPE'],
  ])('of %s is refused', async (_, wrongId, more, status, code) => {
    const { server, id } = await asked();
    const answer = await answerTo(server, wrongId ?? id, '{"state":1}', more);
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ code });
    expect(server.daemon.calls).toEqual([]);
  });

  it('that declines an unknown command is refused', async () => {
    const { server } = await asked();
    expect((await answerTo(server, 'beef', '{"error":"no"}')).status).toBe(404);
  });
});

describe('other commands', () => {
  const order = ({ daemon }: Server) => {
    const done = daemon.commands.order(agent, 'shutdown', { why: 'x', deadline_ms: 7_500 }, 10_000);
    done.catch(() => {});
    return done;
  };
  const answer = ({ ask: request }: Server, id: string, body: string) =>
    request(`${PATH}/${id}`, { method: 'POST', headers, body });

  it('are told to who says that it listens for them, and names that we do not know are passed over', async () => {
    const server = await serve();
    const { hears, text } = await listen(server, '?kinds=shutdown,levitate');
    await expect(ask(server)).rejects.toThrow('does not listen');
    const done = order(server);
    const id = await hears();
    expect(text()).toContain(`id: ${id}\nevent: shutdown\ndata: {"id":"${id}","why":"x","deadline_ms":7500}\n\n`);
    expect((await answer(server, id, 'garbage')).status).toBe(400);
    expect((await answer(server, id, '{"state":1}')).status).toBe(400);
    expect((await answer(server, id, '{}')).status).toBe(204);
    await done;
    expect((await answer(server, id, '{}')).status).toBe(404);
    expect(server.daemon.calls).toEqual([]);
  });

  it('are not told to who does not say so', async () => {
    const server = await serve();
    await listen(server);
    await expect(order(server)).rejects.toThrow('does not listen');
  });

  it('may be declined with a reason', async () => {
    const server = await serve();
    const { hears } = await listen(server, '?kinds=shutdown');
    const done = order(server);
    expect((await answer(server, await hears(), '{"error":"busy"}')).status).toBe(204);
    await expect(done).rejects.toThrow('it answered: busy');
  });

  it('bring a state along that is fetched', async () => {
    const server = await serve();
    const { hears } = await listen(server, '?kinds=set_state');
    const restored = await server.daemon.restore('agent_core');
    void server.daemon.commands.setState(agent, restored.checkpoint_id, async () => restored, 10_000);
    const id = await hears();
    const { source: _, entries: __, ...state } = given(restored);
    expect(await (await server.ask(`${PATH}/${id}`, { headers })).json()).toEqual(state);
    expect((await server.ask(`${PATH}/beef`, { headers })).status).toBe(404);
  });

  it('tell of breakers', async () => {
    const server = await serve();
    const { hears, text } = await listen(server, '?kinds=breaker');
    server.daemon.commands.announce('breaker', { breaker: 'gpt_api', state: 'open', wait_ms: 1 });
    const id = await hears();
    expect(text()).toContain(`data: {"id":"${id}","breaker":"gpt_api","state":"open","wait_ms":1}`);
  });
});

import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { failure } from '../../src/errors.ts';
import { until } from '../support/temp.ts';
import { CURRENT, serve, STALE } from './stand-in.ts';

const base = '/component/v1';

describe('a component', () => {
  it('tells that it lives', async () => {
    const { post, daemon } = await serve();
    const said = { status: 'degraded', message: 'slow', progress: 12, state: 'dirty', dirty_seconds: 2 };
    const beat = { ...said, metrics: { queue_depth: 3 } };

    expect((await post(`${base}/heartbeat`, beat, CURRENT)).status).toBe(204);
    expect((await post(`${base}/heartbeat`, undefined, CURRENT)).status).toBe(204);
    expect(daemon.calls).toEqual([
      ['heartbeat', 'agent_core', beat],
      ['heartbeat', 'agent_core', {}],
    ]);
  });

  it.each([
    [{ status: 'fine' }, /^status: /],
    [{ progress: 'half' }, /^progress: /],
    [{ metrics: { queue: 'long' } }, /^metrics\.queue: /],
    [{ metrics: { 'queue depth': 1 } }, /^metrics\.queue depth: /],
    [{ metrics: Object.fromEntries(Array.from({ length: 11 }, (_, n) => [`m${n}`, n])) }, /^metrics: at most 10/],
    [{ state: 'dirty', dirty_seconds: -1 }, /^dirty_seconds: /],
    [{ mood: 'good' }, /^mood: /],
  ])('is told what is wrong with the heartbeat %j', async (beat, detail) => {
    const { post, daemon } = await serve();
    const answer = await post(`${base}/heartbeat`, beat, CURRENT);

    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ detail: expect.stringMatching(detail) as string });
    expect(daemon.calls).toEqual([]);
  });

  it('tells of its crash', async () => {
    const { post, daemon } = await serve();
    const crash = { type: 'ToolError', message: 'no answer', stack: 'ToolError: no answer\n    at plan (a.js:1:1)' };
    expect((await post(`${base}/crash`, crash, CURRENT)).status).toBe(204);
    expect((await post(`${base}/crash`, { message: '' }, CURRENT)).status).toBe(204);
    expect(daemon.calls).toEqual([
      ['testify', 'agent_core', crash],
      ['testify', 'agent_core', { type: 'Error', message: '', stack: '' }],
    ]);
  });

  it.each([
    [{}, /^message: /],
    [{ message: 1 }, /^message: /],
    [{ message: 'x'.repeat(10_001) }, /^message: /],
    [{ type: ' ', message: 'x' }, /^type: /],
    [{ message: 'x', stack: 'x'.repeat(70_000) }, /^stack: /],
    [{ message: 'x', mood: 'bad' }, /^mood: /],
  ])('is told what is wrong with its crash', async (crash, detail) => {
    const { post, daemon } = await serve();
    const answer = await post(`${base}/crash`, crash, CURRENT);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ detail: expect.stringMatching(detail) as string });
    expect(daemon.calls).toEqual([]);
  });

  it('may send ten metrics', async () => {
    const { post } = await serve();
    const metrics = Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`m${n}`, n]));

    expect((await post(`${base}/heartbeat`, { metrics }, CURRENT)).status).toBe(204);
  });

  it('puts its state and journal as they are, unparsed', async () => {
    const { ask, daemon } = await serve();
    const headers = { authorization: `Bearer ${CURRENT}`, 'content-type': 'application/json' };
    const state = await ask(`${base}/state`, { method: 'PUT', body: '{ "state":  {"n": 1.0} }', headers });
    const patched = await ask(`${base}/state`, { method: 'PATCH', body: '{"base": "CP-1"}', headers });
    const journal = await ask(`${base}/journal`, { method: 'POST', body: '{"operation": "x"} ', headers });

    expect(await state.json()).toEqual({ checkpoint_id: 'CP-20261123-224610-1A2B3C4D' });
    expect(await patched.json()).toEqual({ checkpoint_id: 'CP-20261123-224610-1A2B3C4D' });
    expect(await journal.json()).toEqual({ entry_id: 7 });
    expect(daemon.calls).toEqual([
      ['putState', 'agent_core', '{ "state":  {"n": 1.0} }', 'interval'],
      ['patchState', 'agent_core', '{"base": "CP-1"}', 'interval'],
      ['appendJournal', 'agent_core', '{"operation": "x"} '],
    ]);
  });

  it('says how its state is to be kept, and no other way than there is', async () => {
    const { ask, daemon } = await serve();
    const headers = { authorization: `Bearer ${CURRENT}`, 'content-type': 'application/json' };
    const put = (query: string, method = 'PUT') =>
      ask(`${base}/state${query}`, { method, body: '{"state":1}', headers });
    for (const kind of ['full', 'memory', 'disk']) expect((await put(`?kind=${kind}`)).status).toBe(200);
    expect(daemon.calls).toEqual([
      ['putState', 'agent_core', '{"state":1}', 'interval', 'full'],
      ['putState', 'agent_core', '{"state":1}', 'interval', 'memory'],
      ['putState', 'agent_core', '{"state":1}', 'interval', 'disk'],
    ]);
    for (const wrong of ['?kind=incremental', '?kind=', '?kind=memory&kind=full'])
      expect((await put(wrong)).status).toBe(400);
    expect((await put('?kind=memory', 'PATCH')).status).toBe(400);
    expect(daemon.calls).toHaveLength(3);
  });

  it('gets what it continues from', async () => {
    const { ask } = await serve();
    const answer = await ask(`${base}/state`, { headers: { authorization: `Bearer ${CURRENT}` } });

    const text = await answer.text();
    expect(answer.headers.get('content-length')).toBe(String(Buffer.byteLength(text)));
    expect(JSON.parse(text)).toEqual({
      checkpoint_id: null,
      state: null,
      schema_version: 1,
      journal: [],
      through: null,
      data_loss_seconds: 0,
      lost_checkpoints: 0,
      lost_entries: [],
    });
  });

  it('gets a state as it is stored, and a HEAD without it', async () => {
    const { ask, daemon } = await serve();
    const restored = await daemon.restore('agent_core');
    const state = Buffer.from('{ "id": 12345678901234567890, "name": "ü" }');
    Object.assign(daemon, { restore: async () => ({ ...restored, state }) });
    const headers = { authorization: `Bearer ${CURRENT}` };
    const answer = await ask(`${base}/state`, { headers });
    expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(await answer.text()).toMatch(
      /^\{"checkpoint_id":null,"state":\{ "id": 12345678901234567890, "name": "ü" \},"/,
    );
    const head = await ask(`${base}/state`, { method: 'HEAD', headers });
    expect([head.status, await head.text()]).toEqual([200, '']);
  });

  it.each(['heartbeat', 'state', 'journal'])('of an older incarnation may no longer touch its %s', async (path) => {
    const { ask, daemon } = await serve();
    const headers = { authorization: `Bearer ${STALE}`, 'content-type': 'application/json' };
    const answer = await ask(`${base}/${path}`, { method: path === 'state' ? 'PUT' : 'POST', body: '{}', headers });

    expect(answer.status).toBe(409);
    expect(await answer.json()).toMatchObject({ code: 'STALE_INCARNATION' });
    expect(daemon.calls).toEqual([]);
  });

  it('that was replaced while its state was still arriving may not store it', async () => {
    const { port, daemon } = await serve();
    const head = `PUT ${base}/state HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${CURRENT}\r\nContent-Type: application/json\r\nContent-Length: 12\r\nConnection: close\r\n\r\n`;
    let answer = '';
    const asked: string[] = [];
    const { authenticate } = daemon;
    daemon.authenticate = (token) => {
      asked.push(token);
      return authenticate(token);
    };
    const socket = connect(port, '127.0.0.1', () => socket.write(`${head}{"state"`));
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    await until('the request has begun', () => asked.length > 0);
    daemon.currentToken = 'the next';
    socket.write(': 1}');
    await closed;

    expect(answer).toMatch(/^HTTP\/1\.1 409 /);
    expect(daemon.calls).toEqual([]);
  });

  it('speaks for itself only', async () => {
    const { ask, daemon } = await serve();
    const headers = { authorization: `Bearer ${CURRENT}` };

    expect((await ask(`${base}/state?component=gmail`, { headers })).status).toBe(403);
    expect(daemon.calls).toEqual([]);
    expect((await ask(`${base}/state?component=agent_core`, { headers })).status).toBe(200);
  });

  it.each([undefined, 'unknown'])('with the token %s is unknown before its body is read', async (token) => {
    const { ask, daemon } = await serve();
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const answer = await ask(`${base}/state`, { method: 'PUT', body: 'no JSON', headers });

    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ code: 'TOKEN_UNKNOWN' });
    expect(daemon.calls).toEqual([]);
  });

  it('is told when the daemon stops', async () => {
    const { post, daemon } = await serve();
    daemon.heartbeat = () => {
      throw failure('SHUTTING_DOWN', undefined);
    };

    expect((await post(`${base}/heartbeat`, {}, CURRENT)).status).toBe(503);
  });

  it.each([
    ['GET', 'heartbeat', 405],
    ['DELETE', 'state', 405],
    ['GET', 'nothing', 404],
  ])('%s %s is answered %i', async (method, path, status) => {
    const { ask } = await serve();
    const headers = { authorization: `Bearer ${CURRENT}` };

    expect((await ask(`${base}/${path}`, { method, headers })).status).toBe(status);
  });
});

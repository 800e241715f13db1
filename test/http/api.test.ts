import { describe, expect, it } from 'vitest';
import { failure } from '../../src/errors.ts';
import { serve } from './stand-in.ts';

describe('the API', () => {
  it.each([
    ['/status', { version: '0.1.0' }],
    ['/health', { status: 'healthy' }],
    ['/components', { components: [{ name: 'agent_core' }] }],
    ['/components/agent_core', { name: 'agent_core' }],
    ['/components/agent_core/explain', { sentence: 'It would be restarted.' }],
    ['/components/agent_core/logs', { stdout: '/logs/agent_core/stdout.log', stderr: '/logs/stderr.log' }],
    ['/crashes', { crashes: [] }],
    ['/crashes/CRASH-20261123-224610-1A2B3C4D', { crash_id: 'CRASH-20261123-224610-1A2B3C4D' }],
    ['/checkpoints', { checkpoints: [{ at: '1970-01-01T00:00:00.000Z' }] }],
    ['/checkpoints/MAN-20261123-224610-1A2B3C4D', { at: '1970-01-01T00:00:00.000Z', parts: [] }],
    ['/checkpoints/CP-20261123-224610-1A2B3C4D', { at: '1970-01-01T00:00:00.000Z', state: { tasks: 3 } }],
    ['/config', { listen: '127.0.0.1:9477' }],
    ['/events?follow=false', { events: [] }],
  ])('answers GET %s with JSON that nobody keeps', async (path, body) => {
    const { ask } = await serve();
    const answer = await ask(`/api/v1${path}`);

    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch('application/json');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(await answer.json()).toMatchObject(body);
  });

  it.each(['start', 'stop', 'restart'])('hands a %s over as asked for by a person', async (action) => {
    const { post, daemon } = await serve();
    const answer = await post(`/api/v1/components/agent_core/${action}`, { force: true });

    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ action, message: 'done' });
    expect(daemon.calls).toEqual([['act', action, { component: 'agent_core', force: true }, 'person']]);
  });

  it('hands a checkpoint over, with all that its action understands', async () => {
    const { post, daemon } = await serve();
    const answer = await post('/api/v1/checkpoints', { component: 'agent_core', timeout: '1m' });

    expect(await answer.json()).toEqual({ action: 'checkpoint', message: 'done' });
    expect(daemon.calls).toEqual([['act', 'checkpoint', { component: 'agent_core', timeout: '1m' }, 'person']]);
    expect((await post('/api/v1/checkpoints', ['agent_core'])).status).toBe(400);
  });

  it('needs no body for an action', async () => {
    const { ask, daemon } = await serve();

    expect((await ask('/api/v1/components/agent_core/restart', { method: 'POST' })).status).toBe(200);
    expect(daemon.calls).toEqual([['act', 'restart', { component: 'agent_core' }, 'person']]);
  });

  it('accepts a stop and answers before it is done', async () => {
    const { post, daemon } = await serve();

    expect((await post('/api/v1/stop', { keep_components: true })).status).toBe(202);
    expect((await post('/api/v1/stop')).status).toBe(202);
    expect(daemon.calls).toEqual([
      ['requestStop', { keepComponents: true }],
      ['requestStop', { keepComponents: false }],
    ]);
  });

  it('reloads and verifies on request', async () => {
    const { post } = await serve();

    expect(await (await post('/api/v1/reload')).json()).toEqual({
      added: ['gmail'],
      removed: [],
      changed: [],
      daemon_restart_needed: [],
    });
    expect(await (await post('/api/v1/checkpoints/verify')).json()).toEqual({
      checked: 4,
      corrupted: [{ checkpoint_id: 'CP-X', at: '1970-01-01T00:00:00.000Z' }],
      manifests: { checked: 1, corrupted: [{ manifest_id: 'MAN-X', at: '1970-01-01T00:00:00.000Z' }] },
      integrity: 'ok',
    });
  });

  it('hands filters over', async () => {
    const { ask, daemon } = await serve();
    await ask('/api/v1/crashes?component=gmail&limit=3');
    await ask('/api/v1/checkpoints?component=gmail');
    await ask('/api/v1/checkpoints?limit=7');
    expect((await ask('/api/v1/checkpoints?limit=0')).status).toBe(400);

    expect(daemon.calls).toEqual([
      ['crashes', { component: 'gmail', limit: 3 }],
      ['checkpoints', 'gmail', 1_000],
      ['checkpoints', undefined, 7],
    ]);
  });

  it('never turns an id into a path', async () => {
    const { ask, daemon } = await serve();

    expect((await ask('/api/v1/crashes/..%2F..%2Ftokens%2Fapi')).status).toBe(404);
    expect((await ask('/api/v1/checkpoints/..%2Fx')).status).toBe(404);
    expect(daemon.calls).toEqual([]);
  });
});

describe('a problem', () => {
  it.each([
    ['GET', '/api/v1/components/nobody', 404, 'COMPONENT_NOT_FOUND'],
    ['GET', '/api/v1/components/nobody/logs', 404, 'COMPONENT_NOT_FOUND'],
    ['GET', '/api/v1/crashes/CRASH-0', 404, 'NOT_FOUND'],
    ['GET', '/api/v1/checkpoints/CP-0', 404, 'CHECKPOINT_NOT_FOUND'],
    ['GET', '/api/v1/nothing', 404, 'NOT_FOUND'],
    ['GET', '/nothing', 404, 'NOT_FOUND'],
    ['GET', '/api/v1/crashes?limit=many', 400, 'BODY_INVALID'],
    ['GET', '/api/v1/events?after=-1', 400, 'BODY_INVALID'],
    ['GET', '/api/v1/components/%ff', 400, 'BODY_INVALID'],
    ['DELETE', '/api/v1/components/agent_core', 405, 'METHOD_NOT_ALLOWED'],
    ['GET', '/api/v1/stop', 405, 'METHOD_NOT_ALLOWED'],
    ['OPTIONS', '/api/v1/status', 405, 'METHOD_NOT_ALLOWED'],
    ['POST', '/metrics', 405, 'METHOD_NOT_ALLOWED'],
    ['PUT', '/livez', 405, 'METHOD_NOT_ALLOWED'],
  ])('%s %s is answered %i %s as problem+json', async (method, path, status, code) => {
    const { ask, errors } = await serve();
    const answer = await ask(path, { method });

    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toMatch('application/problem+json');
    expect(await answer.json()).toEqual({
      type: `urn:paramedic:error:${code}`,
      title: expect.any(String) as string,
      status,
      detail: expect.any(String) as string,
      code,
    });
    expect(errors).toEqual([]);
  });

  it('names the methods that are allowed', async () => {
    const { ask } = await serve();

    expect((await ask('/api/v1/stop')).headers.get('allow')).toBe('POST');
    expect((await ask('/api/v1/status', { method: 'POST' })).headers.get('allow')).toBe('GET, HEAD');
  });

  it.each([
    [failure('ACTION_REFUSED', { action: 'restart', component: 'agent_core', why: 'one is under way' }), 409],
    [failure('ACTION_FAILED', { action: 'restart', component: 'agent_core', why: 'not healthy in 30s' }), 502],
    [failure('SHUTTING_DOWN', undefined), 503],
    [failure('STORE_FAILED', { store: 'events.db', why: 'disk full' }), 503],
  ])('carries the sentence of %s', async (error, status) => {
    const { post, daemon } = await serve();
    daemon.instead = () => Promise.reject(error);
    const answer = await post('/api/v1/components/agent_core/restart');

    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ code: error.code, detail: error.message });
    expect(answer.headers.has('retry-after')).toBe(status === 503);
  });

  it('that nobody expected is reported inside and keeps its words from outside', async () => {
    const { post, daemon, errors } = await serve();
    const secret = new TypeError('cannot read /etc/secret');
    daemon.instead = () => Promise.reject(secret);
    const answer = await post('/api/v1/reload?token=hidden');

    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toMatch(/secret|TypeError|\.ts/);
    expect(errors).toEqual([['POST /api/v1/reload', secret]]);
  });
});

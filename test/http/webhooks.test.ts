import { describe, expect, it } from 'vitest';
import { failure } from '../../src/errors.ts';
import { API, OLD_WEBHOOK, serve, WEBHOOK } from './stand-in.ts';

const PATH = '/webhooks/alertmanager';
const alert = (change: object = {}) => ({
  status: 'firing',
  labels: { alertname: 'ParamedicComponentDown', component: 'gmail' },
  annotations: { summary: 'down' },
  startsAt: '2026-11-24T12:00:00.123456789Z',
  endsAt: '0001-01-01T00:00:00Z',
  generatorURL: 'http://prometheus/graph',
  fingerprint: 'c0ffee0123456789',
  ...change,
});
const body = (change: object = {}) => ({
  version: '4',
  groupKey: '{}:{alertname="ParamedicComponentDown"}',
  truncatedAlerts: 0,
  status: 'firing',
  receiver: 'paramedic',
  alerts: [alert()],
  ...change,
});

async function receiver() {
  const served = await serve();
  const send = (content: unknown, init: { token?: string | null; headers?: object; method?: string } = {}) =>
    fetch(served.url + PATH, {
      method: init.method ?? 'POST',
      headers: {
        'content-type': 'application/json',
        ...(init.token === null ? {} : { authorization: `Bearer ${init.token ?? WEBHOOK}` }),
        ...init.headers,
      },
      ...(init.method === 'GET' ? {} : { body: typeof content === 'string' ? content : JSON.stringify(content) }),
    });
  const received = () => served.daemon.calls.filter(([what]) => what === 'receive').map(([, delivery]) => delivery);
  return { ...served, send, received };
}

describe('a webhook of Alertmanager', () => {
  it('is read, handed over and answered 202 with what becomes of each alert', async () => {
    const { send, received, daemon } = await receiver();
    const answer = await send(body(), { headers: { 'user-agent': 'Alertmanager/0.25.0' } });
    expect(answer.status).toBe(202);
    expect(await answer.json()).toEqual({
      alerts: [
        {
          alertname: 'ParamedicComponentDown',
          status: 'firing',
          disposition: 'accepted',
          decision: 'execute',
          why: '',
          remediation_id: null,
        },
      ],
    });
    expect(received()).toMatchObject([
      {
        receiver: 'alertmanager',
        alerts: [{ name: 'ParamedicComponentDown', fingerprint: 'c0ffee0123456789', startsAt: 1_795_521_600_123 }],
      },
    ]);
    expect(daemon.answers).toMatchObject([
      {
        receiver: 'alertmanager',
        code: 202,
        rejection: null,
        alerts: 1,
        userAgent: 'Alertmanager/0.25.0',
        parent: null,
      },
    ]);
  });

  it.each([
    { what: 'the token of now', token: WEBHOOK, status: 202 },
    { what: 'the token before it', token: OLD_WEBHOOK, status: 202 },
    { what: 'the API token', token: API, status: 401 },
    { what: 'a token that is nearly right', token: `${WEBHOOK.slice(1)}x`, status: 401 },
    { what: 'no token', token: null, status: 401 },
  ])('with $what is answered $status', async ({ token, status }) => {
    const { send, received, daemon } = await receiver();
    const answer = await send(body(), { token });
    expect(answer.status).toBe(status);
    if (status === 401) expect(answer.headers.get('www-authenticate')).toContain('Bearer');
    expect(received()).toHaveLength(status === 202 ? 1 : 0);
    expect(daemon.answers).toMatchObject([{ code: status, rejection: status === 202 ? null : 'auth' }]);
  });

  it('may bring its token as the password of basic authentication', async () => {
    const { send } = await receiver();
    const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });
    expect((await send(body(), { token: null, headers: basic(`alertmanager:${WEBHOOK}`) })).status).toBe(202);
    expect((await send(body(), { token: null, headers: basic(`${WEBHOOK}:`) })).status).toBe(401);
    expect((await send(body(), { token: null, headers: basic(WEBHOOK) })).status).toBe(401);
  });

  it.each([
    { what: 'no JSON', content: '{"version":', status: 400, code: 'BODY_INVALID', rejection: 'schema' },
    { what: 'no object', content: '[]', status: 400, code: 'BODY_INVALID', rejection: 'schema' },
    { what: 'no alerts', content: body({ alerts: 'many' }), status: 400, code: 'BODY_INVALID', rejection: 'schema' },
    { what: 'nothing', content: '', status: 400, code: 'BODY_INVALID', rejection: 'schema' },
    {
      what: 'another version',
      content: body({ version: '5' }),
      status: 400,
      code: 'WEBHOOK_VERSION',
      rejection: 'version',
    },
    {
      what: 'only alerts that cannot be read',
      content: body({ alerts: [alert({ startsAt: 'yesterday' })] }),
      status: 400,
      code: 'BODY_INVALID',
      rejection: 'schema',
    },
    {
      what: 'more than a mebibyte',
      content: body({ groupKey: 'x'.repeat(2 ** 20) }),
      status: 413,
      code: 'BODY_TOO_LARGE',
      rejection: 'size',
    },
  ])('with $what is refused with $status $code', async ({ content, status, code, rejection }) => {
    const { send, received, daemon } = await receiver();
    const answer = await send(content);
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ code });
    expect(received()).toEqual([]);
    expect(daemon.answers).toMatchObject([{ code: status, rejection }]);
  });

  it('names the path of what cannot be read', async () => {
    const { send } = await receiver();
    const answer = await send(body({ alerts: [alert({ fingerprint: 'not hex' })] }));
    expect(((await answer.json()) as { detail: string }).detail).toMatch(/^alerts\.0\.fingerprint: /);
  });

  it('is asked for its method, its content and its size before anyone asks who sends it', async () => {
    const { send, daemon } = await receiver();
    expect((await send('', { method: 'GET', token: null })).status).toBe(405);
    expect((await send('a=b', { token: null, headers: { 'content-type': 'text/plain' } })).status).toBe(415);
    expect((await send('x'.repeat(2 ** 20 + 1), { token: null })).status).toBe(413);
    expect(daemon.answers.map(({ rejection }) => rejection)).toEqual(['method', 'content_type', 'size']);
  });

  it('does not lose its good alerts for a bad one', async () => {
    const { send, received } = await receiver();
    const answer = await send(body({ alerts: [alert(), { status: 'on fire' }] }));
    expect(answer.status).toBe(202);
    expect(received()).toMatchObject([{ alerts: [{ name: 'ParamedicComponentDown' }, null] }]);
  });

  it('without alerts is well', async () => {
    const { send } = await receiver();
    expect((await send(body({ alerts: [] }))).status).toBe(202);
  });

  it('is answered 503 when nothing can be stored, so that it comes again', async () => {
    const { send, daemon } = await receiver();
    daemon.refuseToStore = () => {
      throw failure('STORE_FAILED', { store: 'events.db', why: 'disk full' });
    };
    const answer = await send(body());
    expect(answer.status).toBe(503);
    expect(daemon.answers).toMatchObject([{ code: 503, rejection: null, alerts: 1 }]);
  });

  it('goes on in the trace of one who may be believed', async () => {
    const { send, daemon } = await receiver();
    const parent = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
    const headers = { traceparent: `00-${parent.traceId}-${parent.spanId}-01` };
    await send(body(), { headers });
    await send(body(), { headers, token: 'x'.repeat(64) });
    await send(body(), { headers: { traceparent: `00-${'0'.repeat(32)}-${parent.spanId}-01` } });
    const [believed, forged, zero] = daemon.answers;
    expect(believed).toMatchObject({ parent, trace: { traceId: parent.traceId } });
    expect(believed?.trace.spanId).not.toBe(parent.spanId);
    expect(forged?.parent).toBeNull();
    expect(forged?.trace.traceId).not.toBe(parent.traceId);
    expect(zero?.parent).toBeNull();
  });
});

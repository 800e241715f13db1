import { request } from 'node:http';
import { describe, expect, it } from 'vitest';
import { API, CURRENT, METRICS, serve } from './stand-in.ts';

const beyond = { beyondLoopback: true };
const bearers = { none: undefined, wrong: 'c'.repeat(64), metrics: METRICS, component: CURRENT, api: API };
type Bearer = keyof typeof bearers;

const status = async (url: string, bearer: Bearer) => {
  const token = bearers[bearer];
  const answer = await fetch(url, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });
  await answer.arrayBuffer();
  return answer.status;
};

describe('who may ask', () => {
  const everyone: Bearer[] = ['none', 'wrong', 'metrics', 'component', 'api'];
  it.each([
    { where: 'on loopback', options: {}, path: '/livez', let: everyone },
    { where: 'on loopback', options: {}, path: '/readyz', let: everyone },
    { where: 'on loopback', options: {}, path: '/healthz', let: everyone },
    { where: 'on loopback', options: {}, path: '/metrics', let: everyone },
    { where: 'on loopback', options: {}, path: '/api/v1/status', let: ['api'] },
    { where: 'on loopback', options: {}, path: '/component/v1/state', let: ['component'] },
    { where: 'beyond', options: beyond, path: '/livez', let: everyone },
    { where: 'beyond', options: beyond, path: '/readyz', let: everyone },
    { where: 'beyond', options: beyond, path: '/healthz', let: ['metrics', 'api'] },
    { where: 'beyond', options: beyond, path: '/metrics', let: ['metrics', 'api'] },
    { where: 'beyond', options: beyond, path: '/api/v1/status', let: ['api'] },
    { where: 'beyond', options: beyond, path: '/component/v1/state', let: ['component'] },
  ])('$where, $path lets in $let', async ({ options, path, let: allowed }) => {
    const { url } = await serve(options);
    for (const bearer of everyone)
      expect([bearer, await status(url + path, bearer)]).toEqual([bearer, allowed.includes(bearer) ? 200 : 401]);
  });

  it('learns nothing of what is served without a token', async () => {
    const { url } = await serve(beyond);

    expect(await status(`${url}/nothing`, 'none')).toBe(401);
    expect(await status(`${url}/api/v1/nothing`, 'none')).toBe(401);
    expect(await status(`${url}/component/v1/nothing`, 'none')).toBe(401);
    expect(await status(`${url}/component/v1/nothing`, 'component')).toBe(404);
    expect(await status(`${url}/nothing`, 'metrics')).toBe(404);
  });

  it('is told how to bring a token', async () => {
    const { url } = await serve();
    for (const path of ['/api/v1/status', '/component/v1/state']) {
      const answer = await fetch(url + path);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="paramedic"');
      expect(await answer.json()).toMatchObject({ status: 401 });
    }
  });

  it.each(['', 'Bearer', 'Bearer ', `Basic ${API}`, `Bearer ${API} x`, API])(
    '"%s" is no bearer token',
    async (given) => {
      const { url } = await serve();
      expect((await fetch(`${url}/api/v1/status`, { headers: { authorization: given } })).status).toBe(401);
    },
  );

  it('may write the scheme in any case', async () => {
    const { url } = await serve();
    expect((await fetch(`${url}/api/v1/status`, { headers: { authorization: `bearer ${API}` } })).status).toBe(200);
  });

  it('gets no leave for pages of other origins, nor our name', async () => {
    const { ask } = await serve();
    const headers = [
      ...(
        await ask('/api/v1/status', { headers: { origin: 'http://evil.example', authorization: `Bearer ${API}` } })
      ).headers.keys(),
    ];

    expect(headers.filter((name) => name.startsWith('access-control-') || name === 'x-powered-by')).toEqual([]);
  });
});

describe('the host name asked for', () => {
  const askAs = (port: number, host: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      const asked = request({ port, host: '127.0.0.1', path: '/metrics', headers: { host } }, (answer) => {
        answer.resume().once('end', () => resolve(answer.statusCode));
      });
      asked.once('error', reject).end();
    });

  it.each(['127.0.0.1', '127.0.0.1:9477', 'localhost', 'LOCALHOST:80', '[::1]', '[::1]:9477', '127.8.8.8'])(
    '%s is this machine',
    async (host) => {
      const { port } = await serve();
      expect(await askAs(port, host)).toBe(200);
    },
  );

  it.each([
    'evil.example',
    'evil.example:9477',
    '127.evil.example',
    'localhost.evil.example',
    '10.0.0.1',
    '[::2]',
    'a:b:c',
  ])('%s may be a page that has rebound its name: refused on loopback', async (host) => {
    const { port } = await serve();
    expect(await askAs(port, host)).toBe(403);
  });

  it('is anything beyond loopback, where a token is needed anyway', async () => {
    const { port } = await serve(beyond);
    expect(await askAs(port, 'paramedic.example')).toBe(401);
  });
});

import type { RequestListener } from 'node:http';
import { createServer as createTcp, type AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { http } from '../../../src/health/checks/http.ts';
import { tcp } from '../../../src/health/checks/tcp.ts';
import { context } from '../context.ts';
import { serve } from '../serve.ts';

const ask = async (options: unknown, signal?: AbortSignal) =>
  http.run(http.options.parse(options), context(signal ? { signal } : {}));

/** `/204` answers 204, `/to/PATH` redirects there, `/loop` to itself, anything else tells of the request. */
const site: RequestListener = (request, response) => {
  const [, code, to] = /^\/(?:(\d{3})|to(\/.*)|loop)$/.exec(request.url ?? '') ?? [];
  if (code) response.writeHead(Number(code)).end();
  else if (request.url === '/loop') response.writeHead(302, { location: '/loop' }).end();
  else if (to) response.writeHead(301, { location: to }).end();
  else response.end(`${request.method} with ${String(request.headers['x-key'])}`);
};

describe('http check', () => {
  it.each([
    { path: '/', options: {}, status: 'healthy' },
    { path: '/204', options: {}, status: 'healthy' },
    { path: '/500', options: {}, status: 'unhealthy', says: 'answered 500, expected a 2xx' },
    { path: '/404', options: { expect_status: 404 }, status: 'healthy' },
    { path: '/204', options: { expect_status: [200, 404] }, status: 'unhealthy', says: 'expected 200 or 404' },
    { path: '/x', options: { headers: { 'x-key': 'k' }, expect_body: 'GET with k' }, status: 'healthy' },
    { path: '/x', options: { expect_body: 'welcome' }, status: 'unhealthy', says: 'without "welcome"' },
    { path: '/x', options: { method: 'POST', body: 'hi', expect_body: 'POST with' }, status: 'healthy' },
    { path: '/to/204', options: { expect_status: 204 }, status: 'healthy' },
    { path: '/to/500', options: {}, status: 'unhealthy', says: 'answered 500' },
    { path: '/to/204', options: { follow_redirects: false }, status: 'unhealthy', says: 'answered 301' },
    { path: '/loop', options: {}, status: 'unhealthy', says: 'more than 5 redirects' },
  ])('$path with $options is $status', async ({ path, options, status, says }) => {
    const result = await ask({ url: `${await serve(site)}${path}`, ...options });
    expect(result.status).toBe(status);
    expect(result.message).toContain(says ?? '');
  });

  it('does not show headers meant for one server to another', async () => {
    const other = await serve(site);
    const first = await serve((_, response) => response.writeHead(302, { location: `${other}/x` }).end());
    const result = await ask({ url: first, headers: { 'x-key': 'secret' }, expect_body: 'with undefined' });
    expect(result.status).toBe('healthy');
  });

  it('never tells the password or the query of an address', async () => {
    const url = (await serve(site)).replace('//', '//user:hush@');
    expect((await ask({ url: `${url}/500?token=hush` })).message).toMatch(
      /^GET http:\/\/127\.0\.0\.1:\d+\/500 answered|^GET .*\/500 /,
    );
    expect((await ask({ url: `${url}/500?token=hush` })).message).not.toContain('hush');
  });

  it('is unhealthy when nobody listens, or the listener does not speak HTTP', async () => {
    expect((await ask({ url: 'http://127.0.0.1:1/' })).message).toContain('ECONNREFUSED');
    const garbage = createTcp((socket) => socket.end('nonsense\r\n\r\n'));
    await new Promise<void>((resolve) => garbage.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void garbage.close());
    expect(await ask({ url: `http://127.0.0.1:${(garbage.address() as AddressInfo).port}/` })).toMatchObject({
      status: 'unhealthy',
    });
  });

  it('gives up when it is aborted', async () => {
    const url = await serve(() => undefined);
    const abort = new AbortController();
    const result = ask({ url }, abort.signal);
    abort.abort(new Error('too late'));
    expect(await result).toMatchObject({ status: 'unhealthy' });
  });
});

describe('tcp check', () => {
  it('is healthy while somebody listens and unhealthy once nobody does', async () => {
    const server = createTcp((socket) => socket.on('error', () => undefined));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const options = tcp.options.parse({ port: (server.address() as AddressInfo).port });
    expect(await tcp.run(options, context())).toMatchObject({ status: 'healthy' });
    await new Promise((resolve) => server.close(resolve));
    expect((await tcp.run(options, context())).message).toContain('ECONNREFUSED');
  });

  it('gives up when it is aborted', async () => {
    const abort = new AbortController();
    const result = tcp.run(tcp.options.parse({ host: '127.0.0.1', port: 1 }), context({ signal: abort.signal }));
    abort.abort(new Error('too late'));
    expect(await result).toMatchObject({ status: 'unhealthy', message: '127.0.0.1:1 did not answer in time' });
  });
});

import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createHttp } from '../../src/http/index.ts';
import { isLoopback } from '../../src/http/schema.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { until } from '../support/temp.ts';
import { API, METRICS, serve, StandIn } from './stand-in.ts';

const on = (host: string, port: number) =>
  createHttp({
    daemon: new StandIn(),
    tokens: { api: API, metrics: METRICS, webhooks: [] },
    listen: { host, port },
    clock: new FakeClock(),
    onError: () => undefined,
  });

describe('the listener', () => {
  it('says where it can be reached from this machine', async () => {
    const [plain, any] = [on('127.0.0.1', 0), on('0.0.0.0', 0)];
    onTestFinished(async () => void (await Promise.all([plain.close(), any.close()])));
    const [here, everywhere] = [await plain.listen(), await any.listen()];

    expect(here).toEqual({ host: '127.0.0.1', port: here.port, url: `http://127.0.0.1:${here.port}` });
    expect(everywhere.url).toBe(`http://127.0.0.1:${everywhere.port}`);
    expect((await fetch(`${everywhere.url}/livez`)).status).toBe(200);
    expect((await fetch(`${everywhere.url}/metrics`)).status).toBe(401);
  });

  it('names the address that another program has', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    onTestFinished(() => void other.close());
    const { port } = other.address() as AddressInfo;
    const error = { code: 'PORT_IN_USE', message: expect.stringContaining(`127.0.0.1:${port}`) as string };

    await expect(on('127.0.0.1', port).listen()).rejects.toMatchObject(error);
  });

  it('names the address that this machine does not have', async () => {
    const error = { code: 'ADDRESS_UNUSABLE', message: expect.stringContaining('192.0.2.1:0') as string };

    await expect(on('192.0.2.1', 0).listen()).rejects.toMatchObject(error);
  });

  it('lets an answer under way finish when it closes, and no longer than its grace', async () => {
    const server = await serve({ graceMs: 60_000 });
    let finish = () => {};
    server.daemon.instead = () => new Promise<never>((resolve) => (finish = resolve as () => void));
    const answer = server.post('/api/v1/components/agent_core/restart');
    await until('it has been asked', () => server.daemon.calls.length === 1);
    const closed = server.http.close();
    finish();

    expect((await answer).status).toBe(200);
    await closed;
    await expect(fetch(`${server.url}/livez`)).rejects.toThrow();
  });

  it('takes nothing new on a connection kept alive while it closes', async () => {
    const server = await serve({ graceMs: 60_000 });
    let finish = () => {};
    server.daemon.instead = () => new Promise<never>((resolve) => (finish = resolve as () => void));
    const socket = connect(server.port, '127.0.0.1');
    let heard = '';
    socket.on('data', (chunk: Buffer) => (heard += chunk.toString()));
    const ended = new Promise((resolve) => socket.once('close', resolve));
    const head = `HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${API}\r\n`;
    // Two requests at once on one connection: the second is looked at when the listener is closing already.
    socket.write(`POST /api/v1/reload ${head}Content-Length: 0\r\n\r\n`);
    await until('it has been asked', () => server.daemon.calls.length === 1);
    const closed = server.http.close();
    socket.write(`GET /api/v1/status ${head}\r\n`);
    finish();
    await Promise.all([closed, ended]);

    expect(heard).toMatch(/^HTTP\/1\.1 200 [^]*HTTP\/1\.1 503 [^]*SHUTTING_DOWN/);
  });

  it('cuts what does not finish within its grace', async () => {
    const server = await serve({ graceMs: 20 });
    server.daemon.instead = () => new Promise<never>(() => {});
    const answer = server.post('/api/v1/components/agent_core/restart').catch((error: unknown) => error);
    await until('it has been asked', () => server.daemon.calls.length === 1);
    await server.http.close();

    expect(await answer).toBeInstanceOf(Error);
  });

  it('may be closed twice, and before it was opened', async () => {
    const http = on('127.0.0.1', 0);
    await http.close();
    await http.close();
  });
});

describe('loopback', () => {
  it.each(['127.0.0.1', '127.3.2.1', 'localhost', '::1'])('%s is', (host) => expect(isLoopback(host)).toBe(true));
  it.each(['0.0.0.0', '::', '10.0.0.1', '127.example.com', 'example.com'])('%s is not', (host) =>
    expect(isLoopback(host)).toBe(false),
  );
});

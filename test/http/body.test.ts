import { once } from 'node:events';
import { createServer, request as ask } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import type { Request } from 'express';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readPieces } from '../../src/http/body.ts';
import { API, CURRENT, serve } from './stand-in.ts';

const json = { 'content-type': 'application/json' };
const restart = '/api/v1/components/agent_core/restart';

/** Sends raw bytes and gives back what was answered until the other side closes or `enough` has come. */
const raw = (port: number, text: string, enough: RegExp) =>
  new Promise<string>((resolve, reject) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString();
      if (enough.test(answer)) socket.destroy();
    });
    socket.once('close', () => resolve(answer)).once('error', reject);
  });

describe('a body', () => {
  it.each([
    ['{"force": maybe}', /^body: not JSON: Unexpected token .*maybe/],
    ['{"force": true', /^body: not JSON: .*position 14 \(line 1 column 15\)/],
    ['{"force": "yes"}', /^force: .*boolean/],
    ['{"force": true, "forse": 1}', /^forse: Unrecognized/],
    ['[]', /^body: .*object/],
    ['null', /^body: .*object/],
  ])('%s is answered 400 with where', async (body, detail) => {
    const { ask, daemon } = await serve();
    const answer = await ask(restart, { method: 'POST', body, headers: { ...json, authorization: `Bearer ${API}` } });

    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      code: 'BODY_INVALID',
      detail: expect.stringMatching(detail) as string,
    });
    expect(daemon.calls).toEqual([]);
  });

  it('that is not UTF-8 is answered 400', async () => {
    const { ask } = await serve();
    const body = Buffer.from('{"message": "caf\xe9"}', 'latin1');
    const headers = { ...json, authorization: `Bearer ${CURRENT}` };
    const answer = await ask('/component/v1/heartbeat', { method: 'POST', body, headers });

    expect(answer.status).toBe(400);
  });

  it.each([
    [{ 'content-type': 'text/plain' }, 'text/plain'],
    [{ 'content-type': 'application/x-www-form-urlencoded' }, 'application/x-www-form-urlencoded'],
    [{ 'content-type': 'application/json', 'content-encoding': 'gzip' }, 'content-encoding gzip'],
  ])('with the headers %j is answered 415', async (headers, got) => {
    const { ask } = await serve();
    const answer = await ask(restart, {
      method: 'POST',
      body: '{}',
      headers: { ...headers, authorization: `Bearer ${API}` },
    });

    expect(answer.status).toBe(415);
    expect(await answer.json()).toMatchObject({ code: 'CONTENT_TYPE', detail: expect.stringContaining(got) as string });
  });

  it('may name its character set', async () => {
    const { ask } = await serve();
    const headers = { 'content-type': 'application/json; charset=utf-8', authorization: `Bearer ${API}` };

    expect((await ask(restart, { method: 'POST', body: '{}', headers })).status).toBe(200);
  });

  it('that declares more than 1 MiB is refused before a byte of it has come', async () => {
    const { port } = await serve();
    const head = `POST ${restart} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${API}\r\nContent-Type: application/json\r\nContent-Length: 1048577\r\n\r\n`;

    expect(await raw(port, head, /BODY_TOO_LARGE/)).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('that turns out to be larger than 1 MiB is refused although it declared nothing', async () => {
    const { ask, daemon } = await serve();
    const chunk = new Uint8Array(2 ** 18).fill(0x20);
    const body = new ReadableStream({
      start(controller) {
        for (let sent = 0; sent < 8; sent++) controller.enqueue(chunk);
        controller.close();
      },
    });
    const init = { method: 'POST', body, duplex: 'half', headers: { ...json, authorization: `Bearer ${API}` } };
    const answer = await ask(restart, init as RequestInit);

    expect(answer.status).toBe(413);
    expect(daemon.calls).toEqual([]);
  });

  it('that was refused for its size is still answered to a sender who first sends it all', async () => {
    const { ask } = await serve();
    const headers = { ...json, authorization: `Bearer ${API}` };
    const statuses = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const answer = await ask(restart, { method: 'POST', body: Buffer.alloc(4 * 2 ** 20, 0x20), headers });
        return answer.status;
      }),
    );

    expect(statuses).toEqual(Array.from({ length: 8 }, () => 413));
  });

  it('that was refused for its size is not listened to for ever', async () => {
    const { port } = await serve();
    const head = `POST ${restart} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${API}\r\nContent-Type: application/json\r\nContent-Length: 999999999\r\n\r\n`;

    expect(await raw(port, head, /never/)).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('of a state may have 16 MiB and not a byte more', async () => {
    const { ask, daemon } = await serve();
    const put = (length: number) =>
      ask('/component/v1/state', {
        method: 'PUT',
        body: Buffer.alloc(length, 0x20),
        headers: { ...json, authorization: `Bearer ${CURRENT}` },
      });

    expect((await put(16 * 2 ** 20)).status).toBe(200);
    expect((await put(16 * 2 ** 20 + 1)).status).toBe(413);
    expect(daemon.calls.length).toBe(1);
  });

  it('whose sender goes away half-way is never handed over', async () => {
    const { port, daemon, errors, ask } = await serve();
    const head = `PUT /component/v1/state HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${CURRENT}\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{"state"`;
    await new Promise<void>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.end(head));
      socket.resume().once('close', () => resolve());
    });
    await ask('/livez');

    expect(daemon.calls).toEqual([]);
    expect(errors).toEqual([]);
  });
});

describe('the pieces of a body', () => {
  it('are large, however small the chunks are in which it comes', async () => {
    const text = JSON.stringify('0123456789'.repeat(5_000));
    const read = Promise.withResolvers<Buffer[]>();
    const server = createServer((request, response) => {
      readPieces(request as Request).then(read.resolve, read.reject);
      request.once('end', () => response.end());
    });
    onTestFinished(() => void server.close());
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const sent = ask({ port, method: 'PUT', headers: json });
    for (const byte of text) sent.write(byte);
    sent.end();
    const pieces = await read.promise;
    expect(pieces.map(({ length }) => length)).toEqual([2 ** 15, text.length - 2 ** 15]);
    expect(Buffer.concat(pieces).toString()).toBe(text);
  });
});

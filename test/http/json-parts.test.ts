import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Response } from 'express';
import { expect, it, onTestFinished } from 'vitest';
import { sendJsonParts } from '../../src/http/json-parts.ts';

it('sends bytes as the JSON that they are, and gives their memory back once they are sent', async () => {
  const text = JSON.stringify({ messages: ['ä'.repeat(500_000)] });
  const state = new TextEncoder().encode(text);
  let sent: Promise<unknown> = Promise.resolve();
  const server = createServer((_, response) => {
    sent = once(response, 'finish');
    sendJsonParts(response as Response, { checkpoint_id: 'CP-1', state, through: null });
    expect(state.byteLength).toBeGreaterThan(1_000_000);
  });
  onTestFinished(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const answer = await fetch(`http://127.0.0.1:${port}/`);
  expect(await answer.text()).toBe(`{"checkpoint_id":"CP-1","state":${text},"through":null}`);
  await sent;
  expect(state.buffer).toMatchObject({ byteLength: 0, detached: true });
});

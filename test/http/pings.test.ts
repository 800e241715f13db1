import { describe, expect, it } from 'vitest';
import { serve } from './stand-in.ts';

const TOKEN = 'nobody-can-guess-me';

describe('pings', () => {
  it.each([
    ['', { signal: 'end', exitCode: 0 }],
    ['/start', { signal: 'start', exitCode: null }],
    ['/fail', { signal: 'end', exitCode: null }],
    ['/0', { signal: 'end', exitCode: 0 }],
    ['/3', { signal: 'end', exitCode: 3 }],
  ])('%j says %j, with nothing but the token', async (path, told) => {
    const { url, daemon } = await serve();
    const answer = await fetch(`${url}/ping/${TOKEN}${path}`);
    expect([answer.status, await answer.text()]).toEqual([200, 'OK\n']);
    expect(daemon.calls).toContainEqual(['ping', TOKEN, told]);
    expect((await fetch(`${url}/ping/${TOKEN}${path}`, { method: 'POST' })).status).toBe(200);
  });

  it.each([`/ping/${TOKEN}/256`, `/ping/${TOKEN}/later`, '/ping/another-token-of-nobody', `/ping/${TOKEN}/0/0`])(
    '%s is not found, and the answer does not repeat it',
    async (path) => {
      const { url, daemon } = await serve();
      const answer = await fetch(url + path);
      expect(answer.status).toBe(404);
      if (path.split('/').length < 5) expect(await answer.text()).not.toMatch(/nobody/);
      expect(daemon.calls.filter(([name, token]) => name === 'ping' && token === TOKEN)).toEqual([]);
    },
  );

  it('cannot do anything else', async () => {
    const { url } = await serve();
    expect((await fetch(`${url}/ping/${TOKEN}`, { method: 'PUT' })).status).toBe(405);
    expect((await fetch(`${url}/api/v1/status`, { headers: { authorization: `Bearer ${TOKEN}` } })).status).toBe(401);
  });
});

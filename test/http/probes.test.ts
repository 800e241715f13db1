import { describe, expect, it } from 'vitest';
import { serve } from './stand-in.ts';

describe('the probes', () => {
  it('say that the daemon lives even when it does not supervise yet', async () => {
    const { url, daemon } = await serve();
    daemon.isReady = false;

    expect((await fetch(`${url}/livez`)).status).toBe(200);
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    daemon.isReady = true;
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
  });

  it.each([
    ['healthy', 200],
    ['degraded', 200],
    ['unknown', 200],
    ['unhealthy', 503],
    ['critical', 503],
  ] as const)('answer %s with %i', async (status, code) => {
    const { url, daemon } = await serve();
    daemon.healthStatus = status;
    const answer = await fetch(`${url}/healthz`);

    expect(answer.status).toBe(code);
    expect(await answer.text()).toBe(`${status}\n`);
  });

  it('say on request which component is not well, and why', async () => {
    const { url } = await serve();

    expect(await (await fetch(`${url}/healthz?verbose`)).text()).toBe(
      '[+]agent_core healthy\n[-]gmail unhealthy: api: no answer\nhealthy\n',
    );
  });

  it('answer HEAD without a body', async () => {
    const { url } = await serve();
    const answer = await fetch(`${url}/livez`, { method: 'HEAD' });

    expect([answer.status, await answer.text()]).toEqual([200, '']);
  });
});

describe('/metrics', () => {
  const prometheus =
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2';
  it.each([
    [prometheus, 'application/openmetrics-text; version=1.0.0'],
    ['application/openmetrics-text', 'application/openmetrics-text; version=1.0.0'],
    ['Application/OpenMetrics-Text; Version=1.0.0', 'application/openmetrics-text; version=1.0.0'],
    ['text/plain;q=0.5, application/openmetrics-text;q=0.4', 'text/plain; version=0.0.4'],
    ['application/openmetrics-text;q=0', 'text/plain; version=0.0.4'],
    ['application/openmetrics-text;q=much', 'text/plain; version=0.0.4'],
    ['application/openmetrics-text, text/plain;q=much', 'application/openmetrics-text; version=1.0.0'],
    ['text/html,*/*;q=0.8', 'text/plain; version=0.0.4'],
    ['*/*', 'text/plain; version=0.0.4'],
  ])('answers Accept: %s with %s, word for word', async (accept, type) => {
    const { url } = await serve();
    const answer = await fetch(`${url}/metrics`, { headers: { accept } });

    expect(answer.headers.get('content-type')).toBe(type);
    expect(await answer.text()).toMatch(/^# (openmetrics|classic)\n$/);
  });
});

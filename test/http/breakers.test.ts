import { describe, expect, it } from 'vitest';
import { CURRENT, serve, STALE } from './stand-in.ts';

const base = '/component/v1';
const failed = { dependency: 'gpt_api', ok: false, duration_ms: 12.5, error: 'refused' };

describe('outcomes', () => {
  it('reach the breakers in their order, under the name of who speaks', async () => {
    const { post, daemon } = await serve();
    const outcomes = [
      failed,
      { ...failed, ok: true },
      { ...failed, error: 'timeout' },
      { ...failed, dependency: 'smtp' },
    ];
    const answer = await post(`${base}/outcomes`, outcomes, CURRENT);

    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ accepted: 4, unknown: ['smtp'] });
    expect(daemon.breakerEvents).toMatchObject([
      { type: 'breaker.called', breaker: 'gpt_api', caller: 'agent_core', result: 'failure', durationMs: 12.5 },
      { type: 'breaker.called', result: 'success' },
      { type: 'breaker.called', result: 'timeout' },
    ]);
  });

  it('may be none, and may be a thousand', async () => {
    const { post } = await serve();
    expect(await (await post(`${base}/outcomes`, [], CURRENT)).json()).toEqual({ accepted: 0, unknown: [] });
    const many = Array.from({ length: 1_000 }, () => failed);
    expect(await (await post(`${base}/outcomes`, many, CURRENT)).json()).toEqual({ accepted: 1_000, unknown: [] });
  });

  it.each([
    [undefined, /^body: /],
    [{ ...failed }, /^body: /],
    [[{ ...failed, ok: 'no' }], /^0\.ok: /],
    [[failed, { ...failed, duration_ms: -1 }], /^1\.duration_ms: /],
    [[{ ...failed, dependency: '' }], /^0\.dependency: /],
    [[{ ...failed, error: 'x'.repeat(1_001) }], /^0\.error: /],
    [[{ ...failed, permit_id: 7 }], /^0\.permit_id: /],
    [[{ ...failed, permit: '7.1' }], /^0\.permit: /],
    [Array.from({ length: 1_001 }, () => failed), /^body: at most 1000/],
  ])('like %j are refused whole', async (body, detail) => {
    const { post, daemon } = await serve();
    const answer = await post(`${base}/outcomes`, body, CURRENT);

    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ detail: expect.stringMatching(detail) as string });
    expect(daemon.breakerEvents).toEqual([]);
  });
});

describe('a permit', () => {
  const path = `${base}/breakers/gpt_api/permit`;

  it('is given with an id while calls may be made', async () => {
    const { post } = await serve();
    for (const body of [undefined, {}]) {
      const answer = await post(path, body, CURRENT);
      expect(answer.status).toBe(200);
      expect(await answer.json()).toMatchObject({
        permitted: true,
        permit_id: expect.stringMatching(/^7\.\d$/) as string,
        state: 'closed',
        wait_ms: 0,
      });
    }
  });

  it('is refused while they may not, with how long to wait', async () => {
    const { post, daemon } = await serve();
    await post(
      `${base}/outcomes`,
      Array.from({ length: 5 }, () => failed),
      CURRENT,
    );
    await daemon.breakerClock.advance(10_000);

    expect(await (await post(path, {}, CURRENT)).json()).toEqual({ permitted: false, state: 'open', wait_ms: 20_000 });
    expect(daemon.breakerEvents.at(-1)).toMatchObject({ type: 'breaker.called', result: 'rejected', durationMs: 0 });
  });

  it('given while half open is a lease: its outcome counts, others do not', async () => {
    const { post, daemon } = await serve();
    await post(
      `${base}/outcomes`,
      Array.from({ length: 5 }, () => failed),
      CURRENT,
    );
    await daemon.breakerClock.advance(30_000);
    const { permit_id } = (await (await post(path, {}, CURRENT)).json()) as { permit_id: string };
    await post(
      `${base}/outcomes`,
      [
        { ...failed, ok: true },
        { ...failed, ok: true, permit_id },
      ],
      CURRENT,
    );

    expect(daemon.breakerEvents.slice(-2)).toMatchObject([{ result: 'ignored' }, { result: 'success' }]);
  });

  it('of an unknown breaker is not found', async () => {
    const { post } = await serve();
    const answer = await post(`${base}/breakers/smtp/permit`, {}, CURRENT);

    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({
      code: 'BREAKER_NOT_FOUND',
      detail: expect.stringContaining('smtp') as string,
    });
  });
});

it.each(['outcomes', 'breakers/gpt_api/permit'])('%s are for the current incarnation only', async (path) => {
  const { post, daemon } = await serve();
  const body = path === 'outcomes' ? [failed] : {};
  expect((await post(`${base}/${path}`, body, STALE)).status).toBe(409);
  expect((await post(`${base}/${path}`, body, 'unknown')).status).toBe(401);
  expect((await post(`${base}/${path}?component=gmail`, body, CURRENT)).status).toBe(403);
  expect(daemon.breakerEvents).toEqual([]);
});

describe('the API', () => {
  it('shows the breakers', async () => {
    const { ask, post } = await serve();
    await post(
      `${base}/outcomes`,
      Array.from({ length: 5 }, () => failed),
      CURRENT,
    );
    const shown = {
      name: 'gpt_api',
      state: 'open',
      since: '2026-11-23T12:00:00.000Z',
      until: '2026-11-23T12:00:30.000Z',
      reason: '5 failures in a row; the last: refused',
      consecutive_failures: 0,
      probes_in_flight: 0,
      calls: 5,
      failure_ratio: 1,
      policy: {
        failure_threshold: 5,
        failure_window_seconds: 60,
        recovery_timeout_seconds: 30,
        half_open_max_calls: 3,
        half_open_max_wait_seconds: 60,
        success_threshold: 2,
      },
    };
    expect(await (await ask('/api/v1/breakers')).json()).toEqual({ breakers: [shown] });
    expect(await (await ask('/api/v1/breakers/gpt_api')).json()).toEqual(shown);
    expect((await ask('/api/v1/breakers/smtp')).status).toBe(404);
  });

  it.each(['open', 'close', 'reset'])('hands %s over as asked for by a person', async (wish) => {
    const { post, daemon } = await serve();
    expect((await post(`/api/v1/breakers/gpt_api/${wish}`)).status).toBe(200);
    expect((await post(`/api/v1/breakers/gpt_api/${wish}`, { force: true })).status).toBe(400);
    expect(daemon.calls).toEqual([['act', `breaker_${wish}`, { breaker: 'gpt_api' }, 'person']]);
  });
});

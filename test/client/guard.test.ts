import { describe, expect, it } from 'vitest';
import { until } from '../support/temp.ts';
import { refusal, standIn, type Heard, type Reply } from './stand-in.ts';

const permitted = { permitted: true, permit_id: 'p1', state: 'closed', wait_ms: 0 };
const refused = { permitted: false, state: 'open', wait_ms: 700 };
const daemonThat = (permit: Reply, outcomes: Reply = { status: 200, body: { accepted: 1, unknown: [] } }) =>
  standIn(({ call }: Heard) =>
    call.startsWith('POST breakers/') ? permit : call === 'POST outcomes' ? outcomes : undefined,
  );
type Daemon = Awaited<ReturnType<typeof standIn>>;
const outcomesOf = ({ heard }: Daemon) =>
  heard.filter(({ call }) => call === 'POST outcomes').flatMap(({ body }) => body as Record<string, unknown>[]);
const told = (daemon: Daemon, count = 1) =>
  until(`${count} outcomes`, () => outcomesOf(daemon).length === count && outcomesOf(daemon));

describe('a guarded call', () => {
  it('is made with a permit, and told as it ended', async () => {
    const daemon = await daemonThat({ status: 200, body: permitted });
    const connection = daemon.line();
    expect(await connection.guard('gpt_api', () => 'answer')).toBe('answer');
    const fails = async () => Promise.reject(new TypeError('no route'));
    await expect(connection.guard('gpt_api', fails)).rejects.toThrow('no route');
    const late = () => Promise.reject(Object.assign(new Error('late'), { name: 'TimeoutError' }));
    await expect(connection.guard('gpt_api', late)).rejects.toThrow('late');
    const about = { dependency: 'gpt_api', permit_id: 'p1', duration_ms: expect.any(Number) as number };
    expect(await told(daemon, 3)).toEqual([
      { ...about, ok: true },
      { ...about, ok: false, error: 'TypeError: no route' },
      { ...about, ok: false, error: 'timeout' },
    ]);
    expect(connection.dropped).toEqual({ heartbeats: 0, outcomes: 0 });
  });

  it('is not made when it is not permitted: the fallback is, or it is an error', async () => {
    const daemon = await daemonThat({ status: 200, body: refused });
    const connection = daemon.line();
    let calls = 0;
    const call = () => ++calls;
    expect(await connection.guard('gpt_api', call, { fallback: ({ waitMs }) => -waitMs })).toBe(-700);
    await expect(connection.guard('gpt_api', call)).rejects.toMatchObject({ code: 'BREAKER_OPEN' });
    expect(calls).toBe(0);
    await connection.close();
    expect(outcomesOf(daemon)).toEqual([]);
  });

  it('says so when there is no such breaker', async () => {
    const daemon = await daemonThat(refusal(404, 'BREAKER_NOT_FOUND'));
    await expect(daemon.line().guard('gpt', () => 1)).rejects.toMatchObject({ code: 'BREAKER_NOT_FOUND' });
  });

  it('is made while the daemon is away, at once, and what could not be told is counted', async () => {
    const daemon = await daemonThat({ status: 200, body: permitted }, refusal(503, 'SHUTTING_DOWN'));
    const drops: unknown[][] = [];
    const connection = daemon.line({ queueLimit: 2, onDrop: (...drop) => drops.push(drop.slice(0, 2)) });
    await daemon.stop();
    const calls = [1, 2, 3].map((n) => connection.guard('gpt_api', () => n));
    expect(await Promise.all(calls)).toEqual([1, 2, 3]);
    await connection.close();
    expect(connection.dropped).toEqual({ heartbeats: 0, outcomes: 3 });
    expect(drops.map(([what]) => what)).toEqual(drops.map(() => 'outcomes'));
  });

  it('travels with others when the daemon is busy', async () => {
    const daemon = await daemonThat({ status: 200, body: permitted });
    const connection = daemon.line();
    await Promise.all(Array.from({ length: 40 }, () => connection.guard('gpt_api', () => 1)));
    await connection.close();
    expect(outcomesOf(daemon)).toHaveLength(40);
    expect(daemon.heard.filter(({ call }) => call === 'POST outcomes').length).toBeLessThan(40);
  });
});

describe('a heartbeat that did not arrive', () => {
  it('is counted', async () => {
    const daemon = await standIn(({ call }) => (call === 'POST heartbeat' ? refusal(503, 'NOT_READY') : undefined));
    const errors: unknown[] = [];
    const connection = daemon.line();
    const stop = connection.startHeartbeat({ intervalMs: 1, onError: (error) => errors.push(error) });
    await until('two', () => errors.length >= 2);
    stop();
    expect(connection.dropped.heartbeats).toBeGreaterThanOrEqual(2);
  });
});

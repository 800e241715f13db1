import { describe, expect, it } from 'vitest';
import { failure } from '../../src/errors.ts';
import { serve } from './stand-in.ts';

const run = '/api/v1/experiments/agent_crash_recovery/run';
const verdict = {
  run: 'EXP-20261123-120000-1A2B3C4D',
  experiment: 'agent_crash_recovery',
  component: 'gmail',
  at: '2026-11-23T12:00:00.000Z',
  outcome: 'failed',
  duration_seconds: 30,
  rto_seconds: null,
  rpo_seconds: 1.5,
  checks: [{ name: 'process_restarted', passed: false, essential: true, detail: 'it is stopped' }],
};

describe('experiments', () => {
  it('are listed with what became of them the last time', async () => {
    const { ask } = await serve();
    expect(await (await ask('/api/v1/experiments')).json()).toMatchObject({
      experiments: [
        {
          name: 'agent_crash_recovery',
          target: 'agent_core',
          fault: 'kill',
          timeout_seconds: 120,
          active: true,
          last_run: null,
        },
        { name: 'another', active: false, last_run: verdict },
      ],
    });
  });

  it.each([
    [undefined, {}],
    [{}, {}],
    [{ component: 'gmail' }, { component: 'gmail' }],
    [
      { component: 'gmail', timeout_seconds: 2.5 },
      { component: 'gmail', timeoutMs: 2_500 },
    ],
  ])('are made as asked for by %j, and answered with the verdict', async (body, options) => {
    const { post, daemon } = await serve();
    const answer = await post(run, body);

    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject(verdict);
    expect(daemon.calls).toEqual([['experiments.run', 'agent_crash_recovery', options]]);
  });

  it.each([
    [{ component: 7 }, 'component'],
    [{ timeout_seconds: 0 }, 'timeout_seconds'],
    [{ timeout_seconds: 3_601 }, 'timeout_seconds'],
    [{ target: 'gmail' }, 'target'],
  ])('are not made by %j', async (body, path) => {
    const { post, daemon } = await serve();
    const answer = await post(run, body);

    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ code: 'BODY_INVALID', detail: expect.stringMatching(path) as string });
    expect(daemon.calls).toEqual([]);
  });

  it.each([
    [failure('EXPERIMENT_NOT_FOUND', { experiment: 'x', known: 'agent_crash_recovery' }), 404],
    [failure('ACTION_REFUSED', { action: 'agent_crash_recovery', component: 'gmail', why: 'one at a time' }), 409],
    [failure('NOT_READY', undefined), 503],
  ])('are refused with %s', async (error, status) => {
    const { post, daemon } = await serve();
    daemon.instead = () => Promise.reject(error);
    const answer = await post(run);

    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ code: error.code, detail: error.message });
  });

  it('need the token', async () => {
    const { post, daemon } = await serve();
    expect((await post(run, {}, 'wrong')).status).toBe(401);
    expect(daemon.calls).toEqual([]);
  });
});

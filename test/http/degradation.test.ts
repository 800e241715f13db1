import { describe, expect, it } from 'vitest';
import { serve } from './stand-in.ts';

const path = '/api/v1/degradation';

describe('the level of degradation', () => {
  it('is shown with its features', async () => {
    const { ask } = await serve();
    expect(await (await ask(path)).json()).toEqual({
      level: 'reduced',
      since: '2026-11-23T12:00:00.000Z',
      trigger: 'manual',
      reason: 'a person asked for it',
      until: '2026-11-23T12:01:00.000Z',
      policy_level: null,
      reading: null,
      pins: [
        { level: 'reduced', trigger: 'manual', since: '2026-11-23T12:00:00.000Z', until: '2026-11-23T12:01:00.000Z' },
      ],
      features: {
        planning: {
          enabled: false,
          reason: 'the level is reduced, and its priority low',
          fallback: { success: false, error: 'planning temporarily unavailable', fallback: true },
          priority: 'low',
          depends_on: [],
          components: ['agent_core'],
        },
      },
    });
  });

  it('is put as asked for by a person', async () => {
    const { ask, daemon } = await serve();
    const headers = { authorization: `Bearer ${'a'.repeat(64)}`, 'content-type': 'application/json' };
    const answer = await ask(path, { method: 'PUT', headers, body: '{"level":"minimal","for":"2h"}' });
    expect(await answer.json()).toMatchObject({ message: 'done', level: 'reduced' });
    expect(daemon.calls).toEqual([['act', 'degrade', { level: 'minimal', for: '2h' }, 'person']]);
    expect((await ask(path, { method: 'PUT', headers, body: '[]' })).status).toBe(400);
    const wrong = await ask(path, { method: 'POST', headers });
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'GET, HEAD, PUT']);
  });
});

import { describe, expect, it } from 'vitest';
import { engine } from '../../../src/health/checks/engine.ts';
import { context } from '../context.ts';

describe('the engine check', () => {
  it.each([
    ['healthy', 0],
    ['degraded', 5],
    ['unhealthy', 8],
    ['unknown', 0],
  ] as const)('repeats what the engine says: %s, severity %d', async (status, severity) => {
    const told = { status, message: '2 of 3 pods are available' };
    expect(await engine.run({}, context({}, { engine: () => told }))).toEqual({ ...told, severity });
  });

  it('knows nothing while nobody tells', async () => {
    expect(await engine.run({}, context())).toMatchObject({ status: 'unknown', message: 'no engine tells how it is' });
  });
});

import { describe, expect, it } from 'vitest';
import { actions, type Actor } from '../../src/actions/index.ts';
import { failure } from '../../src/errors.ts';

/** Remembers what was asked of the breakers; knows one of them. */
function actor() {
  const asked: unknown[] = [];
  const ask = (wish: string) => (name: string, trigger: string) => {
    if (name !== 'gpt_api') throw failure('BREAKER_NOT_FOUND', { breaker: name });
    asked.push([wish, name, trigger]);
    return `${name}: ${wish}`;
  };
  const breakers = { open: ask('open'), close: ask('close'), reset: ask('reset') };
  return { asked, actor: { breakers } as unknown as Actor };
}

describe.each(['open', 'close', 'reset'])('the action breaker_%s', (wish) => {
  const action = actions.get(`breaker_${wish}`)!;

  it.each([
    ['person', 'manual'],
    ['webhook', 'alert'],
    ['supervisor', 'policy'],
  ] as const)('of a %s has the trigger %s', async (by, trigger) => {
    const { asked, actor: it } = actor();
    expect(await action.run({ breaker: 'gpt_api' }, it, by)).toBe(`gpt_api: ${wish}`);
    expect(asked).toEqual([[wish, 'gpt_api', trigger]]);
  });

  it('needs a breaker, one that exists', async () => {
    expect(action.parameters.safeParse({}).success).toBe(false);
    expect(action.parameters.safeParse({ breaker: 'gpt_api', force: true }).success).toBe(false);
    await expect(action.run({ breaker: 'smtp' }, actor().actor, 'person')).rejects.toMatchObject({
      code: 'BREAKER_NOT_FOUND',
    });
  });
});

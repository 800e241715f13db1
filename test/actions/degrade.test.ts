import { describe, expect, it } from 'vitest';
import { actions, type Actor } from '../../src/actions/index.ts';
import { degradationLevels } from '../../src/model/index.ts';

const action = actions.get('degrade')!;
const parse = (given: unknown) => action.parameters.safeParse(given);

/** Remembers what was asked for. */
function actor() {
  const asked: unknown[][] = [];
  const degradation = {
    pin: (...call: unknown[]) => (asked.push(['pin', ...call]), 'held'),
    unpin: (...call: unknown[]) => (asked.push(['unpin', ...call]), 'given back'),
  };
  return { asked, actor: { degradation } as unknown as Actor };
}

describe('the action degrade', () => {
  it.each([
    ['person', 'manual'],
    ['webhook', 'alert'],
    ['supervisor', 'policy'],
  ] as const)('of a %s has the trigger %s', async (by, trigger) => {
    const { asked, actor: it } = actor();
    expect(await action.run(parse({ level: 'minimal', for: '15m' }).data, it, by)).toBe('held');
    expect(await action.run(parse({ level: 'minimal' }).data, it, by)).toBe('held');
    expect(await action.run(parse({ level: 'auto' }).data, it, by)).toBe('given back');
    expect(asked).toEqual([
      ['pin', 'minimal', trigger, 900_000],
      ['pin', 'minimal', trigger, null],
      ['unpin', trigger],
    ]);
  });

  it.each(degradationLevels)('takes the level %s', (level) => {
    expect(parse({ level }).success).toBe(true);
  });

  it.each([
    [{}, 'level', 'expected one of full, reduced, minimal, emergency, offline, auto'],
    [{ level: 'low' }, 'level', 'expected one of full, reduced, minimal, emergency, offline, auto'],
    [{ level: 'full', for: 'soon' }, 'for', 'expected a duration such as'],
    [{ level: 'full', for: 0 }, 'for', 'expected a duration longer than 0'],
    [{ level: 'full', for: '400d' }, 'for', 'at most 366d'],
    [{ level: 'auto', for: '1h' }, 'for', 'goes with a level only'],
  ])('refuses %j at %s', (given, path, why) => {
    const [issue] = parse(given).error!.issues;
    expect(issue).toMatchObject({ path: [path], message: expect.stringContaining(why) as string });
  });
});

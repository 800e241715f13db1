import { describe, expect, it } from 'vitest';
import { refusal, standIn, type Heard } from './stand-in.ts';

const add = (value: number) => ({ op: 'add', path: '/-', value });
const sent = (heard: readonly Heard[]) => heard.map(({ call, body }) => [call, body]);
const unknown = { code: 'CHECKPOINT_NOT_NEWEST' };

describe('operations', () => {
  it('go on from the checkpoint before, in the order of the calls', async () => {
    const { line, heard } = await standIn();
    const connection = line();
    const operations = [add(1)];
    const saved = [connection.saveState([]), connection.patchState(operations), connection.patchState([add(2)])];
    operations.length = 0;
    expect(await Promise.all(saved)).toMatchObject([1, 2, 3].map((n) => ({ checkpointId: `CP-${n}` })));
    await connection.journal('x');
    await connection.patchState([]);
    expect(sent(heard.filter(({ call }) => call !== 'POST journal'))).toEqual([
      ['PUT state', { state: [] }],
      ['PATCH state', { base: 'CP-1', operations: [add(1)] }],
      ['PATCH state', { base: 'CP-2', operations: [add(2)] }],
      ['PATCH state', { base: 'CP-3', operations: [], through: 1 }],
    ]);
  });

  it.each([
    ['was restored', [], true],
    ['was restored without what was journalled after it', [{ entry_id: 1, at: 1, operation: 'a', data: 1 }], false],
  ])('may go on from what %s: %#', async (_, journal, may) => {
    const restored = { checkpoint_id: 'CP-9', state: [], schema_version: 1, journal, data_loss_seconds: 0 };
    const { line } = await standIn(({ call }) => (call === 'GET state' ? { status: 200, body: restored } : undefined));
    const connection = line();
    await connection.restore();
    const patched = connection.patchState([add(1)]);
    if (may) await patched;
    else await expect(patched).rejects.toMatchObject(unknown);
  });

  it('without anything to go on from are refused, or the whole state is sent', async () => {
    const { line, heard } = await standIn();
    const connection = line();
    await expect(connection.patchState([add(1)])).rejects.toMatchObject(unknown);
    const state = [1];
    await connection.patchState([add(1)], { whole: () => state, schemaVersion: 2 });
    expect(sent(heard)).toEqual([['PUT state', { state, schema_version: 2 }]]);
  });

  it('after a call that failed do not leave out what that call had', async () => {
    const { line } = await standIn((_, count) => (count === 2 ? refusal(400, 'BODY_INVALID') : undefined));
    const connection = line();
    await connection.saveState([]);
    await expect(connection.patchState([add(1)])).rejects.toMatchObject({ code: 'BODY_INVALID' });
    await expect(connection.patchState([add(2)])).rejects.toMatchObject(unknown);
    await connection.saveState([1, 2]);
    await connection.patchState([add(3)]);
  });

  it('that the daemon does not take are not sent again after a state that contains them', async () => {
    const { line, heard } = await standIn((_, count) => (count === 2 ? refusal(409, 'PATCH_REFUSED') : undefined));
    const connection = line();
    const state: number[] = [];
    await connection.saveState(state);
    const step = (n: number) => {
      state.push(n);
      return connection.patchState([add(n)], { whole: () => state });
    };
    const [first, second] = await Promise.all([step(1), step(2)]);
    expect(first).toEqual(second);
    await step(3);
    expect(sent(heard)).toEqual([
      ['PUT state', { state: [] }],
      ['PATCH state', { base: 'CP-1', operations: [add(1)] }],
      ['PUT state', { state: [1, 2] }],
      ['PATCH state', { base: 'CP-2', operations: [add(3)] }],
    ]);
  });
});

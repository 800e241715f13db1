import { describe, expect, it } from 'vitest';
import { FakeClock } from '../support/fake-clock.ts';
import { until } from '../support/temp.ts';
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

  /** A program whose saves wait while it is given another state. */
  async function given(set: () => void) {
    const clock = new FakeClock();
    let away = false;
    const restored = { checkpoint_id: 'CP-9', state: [9], schema_version: 1, journal: [], data_loss_seconds: 0 };
    const daemon = await standIn(({ call }) => {
      if (call === 'GET commands/c1') return { status: 200, body: restored };
      return away && call.endsWith(' state') ? 'hang up' : undefined;
    });
    const connection = daemon.line({ clock });
    connection.onSetState(set);
    await until('the stream', () => daemon.streams.length === 1);
    await connection.saveState([]);
    return {
      ...daemon,
      connection,
      async meanwhile(patches: () => readonly Promise<unknown>[]) {
        away = true;
        const calls = daemon.heard.length;
        const saved = [connection.saveState([1]), ...patches()];
        await until('the save', () => daemon.heard.slice(calls).some(({ call }) => call === 'PUT state'));
        daemon.command('c1', 'set_state', { checkpoint_id: 'CP-9' });
        await until('the answer', () => daemon.heard.some(({ call }) => call === 'POST commands/c1'));
        away = false;
        const done = Promise.allSettled(saved);
        await until('the saves', async () => {
          await clock.advance(1_000);
          return Promise.race([done, Promise.resolve(false as const)]);
        });
        return done;
      },
    };
  }

  it('of before another state was given are not applied to that one', async () => {
    const { connection, meanwhile, heard } = await given(() => {});
    const patches = () => [connection.patchState([add(2)]), connection.patchState([add(3)], { whole: () => [9, 3] })];
    expect(await meanwhile(patches)).toMatchObject([
      { status: 'fulfilled' },
      { status: 'rejected', reason: unknown },
      { status: 'fulfilled' },
    ]);
    expect(heard.some(({ call }) => call === 'PATCH state')).toBe(false);
    expect(heard.at(-1)).toMatchObject({ call: 'PUT state', body: { state: [9, 3] } });
    await connection.patchState([add(4)]);
    expect(heard.at(-1)?.body).toEqual({ base: 'CP-4', operations: [add(4)] });
  });

  it('go on from the state that was given, not from an older one that arrives later', async () => {
    const { connection, meanwhile, heard } = await given(() => {});
    await meanwhile(() => []);
    await connection.patchState([add(4)]);
    expect(heard.at(-1)?.body).toEqual({ base: 'CP-9', operations: [add(4)] });
  });

  it('do not go on from a state that the program has not taken', async () => {
    const { connection, command, heard } = await given(() => {
      throw new Error('no');
    });
    command('c1', 'set_state', { checkpoint_id: 'CP-9' });
    await until('the answer', () => heard.some(({ call }) => call === 'POST commands/c1'));
    await expect(connection.patchState([add(1)])).rejects.toMatchObject(unknown);
  });
});

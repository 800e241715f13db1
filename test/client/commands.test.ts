import { describe, expect, it } from 'vitest';
import { FakeClock } from '../support/fake-clock.ts';
import { until } from '../support/temp.ts';
import { refusal, standIn } from './stand-in.ts';

type Daemon = Awaited<ReturnType<typeof standIn>>;

const listening = ({ streams }: Daemon, count = 1) => until('it listens', () => streams.length === count);
const answersOf = ({ heard }: Daemon) => heard.filter(({ call }) => call.startsWith('POST commands/'));
const answered = (daemon: Daemon, count = 1) =>
  until(`${count} answers`, () => answersOf(daemon).length === count && answersOf(daemon));

describe('a state that is asked for', () => {
  it('is sent with its version, as the answer to the command', async () => {
    const daemon = await standIn();
    daemon.line().onGetState(async () => ({ state: { n: 1 }, schemaVersion: 2 }));
    await listening(daemon);
    daemon.command('c1');
    expect(await answered(daemon)).toMatchObject([
      { call: 'POST commands/c1', body: { state: { n: 1 }, schema_version: 2 }, authorization: 'Bearer secret' },
    ]);
  });

  it('is the one of the component that it is asked of', async () => {
    const daemon = await standIn();
    daemon.line({ component: 'soul' }).onGetState(() => ({ state: 1 }));
    await listening(daemon);
    daemon.command('c1');
    await answered(daemon);
    expect(daemon.heard.map(({ query }) => query)).toEqual(['component=soul&kinds=get_state', 'component=soul']);
  });

  it('goes through the entries acknowledged so far, and the next checkpoint too', async () => {
    const daemon = await standIn();
    const connection = daemon.line();
    const state: string[] = [];
    connection.onGetState(() => ({ state }));
    await listening(daemon);
    for (const operation of ['a', 'b']) {
      await connection.journal(operation);
      state.push(operation);
    }
    daemon.command('c1');
    expect(await answered(daemon)).toMatchObject([{ body: { state: ['a', 'b'], through: 2 } }]);
    await connection.saveState('after');
    expect(daemon.heard.at(-1)?.body).toEqual({ state: 'after', through: 2 });
  });

  it('goes through the entry that it says it does', async () => {
    const daemon = await standIn();
    const connection = daemon.line();
    await Promise.all([connection.journal('a'), connection.journal('b')]);
    connection.onGetState(() => ({ state: ['a'], through: 1 }));
    await listening(daemon);
    daemon.command('c1');
    expect(await answered(daemon)).toMatchObject([{ body: { state: ['a'], through: 1 } }]);
  });

  it('claims no entry that was acknowledged while it was gathered', async () => {
    const daemon = await standIn();
    const connection = daemon.line();
    await connection.journal('before');
    connection.onGetState(async () => {
      const state = 'before';
      await connection.journal('meanwhile');
      return { state };
    });
    await listening(daemon);
    daemon.command('c1');
    expect(await answered(daemon)).toMatchObject([{ body: { state: 'before', through: 1 } }]);
  });

  it('never overtakes a checkpoint that is sent again', async () => {
    let cut = true;
    const daemon = await standIn(({ call }) => {
      if (call !== 'PUT state' || !cut) return undefined;
      cut = false;
      return 'hang up';
    });
    const connection = daemon.line();
    connection.onGetState(() => ({ state: 'newer' }));
    await listening(daemon);
    const saved = connection.saveState('older');
    daemon.command('c1');
    await Promise.all([saved, answered(daemon)]);
    expect(daemon.heard.map(({ call }) => call)).toEqual([
      'GET commands',
      'PUT state',
      'PUT state',
      'POST commands/c1',
    ]);
  });

  it.each([
    ['throws', () => Promise.reject(new Error('the model is loading')), 'Error: the model is loading'],
    ['throws much', () => Promise.reject(new Error('é'.repeat(9_000))), `Error: ${'é'.repeat(493)}`],
    ['has nothing', () => ({ state: undefined }), 'ClientError: The state must be something that JSON can hold.'],
    ['has what JSON cannot hold', () => ({ state: 1n }), 'TypeError: Do not know how to serialize a BigInt'],
  ])('by one that %s is answered with the reason', async (_, get, error) => {
    const daemon = await standIn();
    const errors: unknown[] = [];
    daemon.line().onGetState(get, { onError: (problem) => errors.push(problem) });
    await listening(daemon);
    daemon.command('c1');
    expect(await answered(daemon)).toMatchObject([{ body: { error } }]);
    await until('the program to be told', () => errors.length === 1);
    expect(error).toContain(String(errors[0]).slice(0, 500));
  });

  it('that nobody waits for any more hurts nobody', async () => {
    const daemon = await standIn(({ call }) =>
      call.startsWith('POST commands/') ? refusal(404, 'COMMAND_NOT_FOUND') : undefined,
    );
    const errors: unknown[] = [];
    const connection = daemon.line();
    connection.onGetState(() => ({ state: 1 }), { onError: (error) => errors.push(error) });
    await listening(daemon);
    daemon.command('c1');
    await until('the program to be told', () => errors.length === 1);
    expect(errors).toMatchObject([{ code: 'COMMAND_NOT_FOUND' }]);
    expect(await connection.saveState(2)).toMatchObject({ checkpointId: 'CP-1' });
  });
});

describe('listening for commands', () => {
  it('goes on when the daemon comes back, and obeys a command once', async () => {
    const daemon = await standIn();
    daemon.line().onGetState(() => ({ state: 1 }));
    await listening(daemon);
    daemon.command('c1');
    await answered(daemon);
    await daemon.stop();
    await daemon.comeBack();
    await listening(daemon, 2);
    daemon.command('c1');
    daemon.command('c2');
    expect((await answered(daemon, 2)).map(({ call }) => call)).toEqual(['POST commands/c1', 'POST commands/c2']);
  });

  it.each([
    ['503', () => refusal(503, 'NOT_READY')],
    ['a cut', () => 'hang up' as const],
  ])('is tried again after %s', async (_, reply) => {
    const daemon = await standIn((__, count) => (count <= 2 ? reply() : undefined));
    daemon.line().onGetState(() => ({ state: 1 }));
    await listening(daemon);
    expect(daemon.heard).toHaveLength(3);
  });

  it('ends when a newer life has begun', async () => {
    const daemon = await standIn(() => refusal(409, 'STALE_INCARNATION'));
    const clock = new FakeClock();
    const errors: unknown[] = [];
    daemon.line({ clock }).onGetState(() => ({ state: 1 }), { onError: (error) => errors.push(error) });
    await until('the program to be told', () => errors.length === 1);
    expect(errors).toMatchObject([{ code: 'STALE_INCARNATION' }]);
    expect(clock.pending).toBe(0);
  });

  it('ends when it is stopped, and with the connection', async () => {
    const daemon = await standIn();
    const clock = new FakeClock();
    const connection = daemon.line({ clock });
    const stop = connection.onGetState(() => ({ state: 1 }));
    connection.onGetState(() => ({ state: 2 }));
    await listening(daemon);
    const gone = Promise.all(daemon.streams.map((stream) => new Promise((resolve) => stream.once('close', resolve))));
    stop();
    stop();
    await connection.close();
    await gone;
    expect(clock.pending).toBe(0);
    expect(daemon.heard).toHaveLength(1);
  });

  it('ends although it has just begun, and although a state never comes', async () => {
    const daemon = await standIn();
    daemon.line().onGetState(() => ({ state: 1 }))();
    const connection = daemon.line();
    let asked = false;
    connection.onGetState(() => {
      asked = true;
      return new Promise<never>(() => {});
    });
    await listening(daemon);
    daemon.command('c1');
    await until('it was asked', () => asked);
    await connection.close();
    expect(answersOf(daemon)).toEqual([]);
  });
});

describe('a program that is told several things', () => {
  it('holds one stream for all, opened anew when there is more', async () => {
    const daemon = await standIn();
    const connection = daemon.line();
    connection.onGetState(() => ({ state: 1 }));
    connection.onShutdown(() => {}, { exit: false });
    await listening(daemon);
    const first = daemon.streams[0]!;
    const gone = new Promise((resolve) => first.once('close', resolve));
    const stop = connection.onReload(() => {});
    await listening(daemon, 2);
    await gone;
    stop();
    await listening(daemon, 3);
    expect(daemon.heard.map(({ query }) => /kinds=(.*)/.exec(query)?.[1])).toEqual([
      'get_state,shutdown',
      'get_state,shutdown,reload',
      'get_state,shutdown',
    ]);
  });

  it('leaves: says so at once, then does what it must', async () => {
    const daemon = await standIn();
    const orders: unknown[] = [];
    let answersBefore = 0;
    const connection = daemon.line();
    connection.onShutdown(
      async (order) => {
        answersBefore = answersOf(daemon).length;
        orders.push(order);
        await connection.saveState('last');
      },
      { exit: false },
    );
    await listening(daemon);
    daemon.command('c1', 'shutdown', { why: 'it was asked to stop', deadline_ms: 7_500 });
    await until('its last state', () => daemon.heard.at(-1)?.call === 'PUT state');
    expect(orders).toEqual([{ why: 'it was asked to stop', deadlineMs: 7_500 }]);
    expect(answersBefore).toBe(1);
    expect(answersOf(daemon)).toMatchObject([{ call: 'POST commands/c1', body: {} }]);
  });

  it.each([
    ['onShutdown', 'shutdown'],
    ['onRestart', 'restart'],
    ['onReload', 'reload'],
  ] as const)('as a child answers %s when it is done, or why it is not', async (method, kind) => {
    const daemon = await standIn();
    const errors: unknown[] = [];
    const soul = daemon.line().child('soul');
    let answersBefore = -1;
    soul[method](
      async () => {
        answersBefore = answersOf(daemon).length;
        if (answersBefore === 1) throw new Error('not twice');
      },
      { onError: (error) => errors.push(error) },
    );
    await listening(daemon);
    daemon.command('c1', kind, {});
    await answered(daemon);
    expect(answersBefore).toBe(0);
    daemon.command('c2', kind, {});
    expect((await answered(daemon, 2)).map(({ body, query }) => [body, query])).toEqual([
      [{}, 'component=soul'],
      [{ error: 'Error: not twice' }, 'component=soul'],
    ]);
    await until('the program to be told', () => errors.length === 1);
    await soul.close();
  });

  it('continues from the state that it is given, journal included', async () => {
    const journal = [{ entry_id: 9, at: 1, operation: 'x', data: null }];
    const state = { checkpoint_id: 'CP-3', state: [3], schema_version: 2, journal, through: 9, data_loss_seconds: 0 };
    const daemon = await standIn(({ call }) => (call === 'GET commands/c1' ? { status: 200, body: state } : undefined));
    const connection = daemon.line();
    const given: unknown[] = [];
    connection.onSetState((restored) => void given.push(restored));
    await listening(daemon);
    daemon.command('c1', 'set_state', { checkpoint_id: 'CP-3' });
    expect(await answered(daemon)).toMatchObject([{ body: {} }]);
    expect(given).toMatchObject([{ checkpointId: 'CP-3', state: [3], journal: [{ entryId: 9 }] }]);
    await connection.saveState('next');
    expect(daemon.heard.at(-1)?.body).toEqual({ state: 'next', through: 9 });
  });

  it('hears of breakers, and does not answer', async () => {
    const daemon = await standIn();
    const news: unknown[] = [];
    daemon.line().onBreaker((one) => news.push(one));
    await listening(daemon);
    daemon.command('c1', 'breaker', { breaker: 'gpt_api', state: 'open', wait_ms: 30_000 });
    await until('the news', () => news.length === 1);
    expect(news).toEqual([{ breaker: 'gpt_api', state: 'open', waitMs: 30_000 }]);
    expect(answersOf(daemon)).toEqual([]);
  });
});

import { describe, expect, it } from 'vitest';
import type { ConnectOptions, Operation } from '../../src/client/index.ts';
import { until } from '../support/temp.ts';
import { standIn } from './stand-in.ts';

const entry = (id: number, data: unknown, schemaVersion: number | null) => ({
  entry_id: id,
  at: 5,
  operation: 'add',
  data,
  schema_version: schemaVersion,
});
const stored = (state: unknown, schemaVersion: number, journal: object[] = []) => ({
  checkpoint_id: 'CP-9',
  state,
  schema_version: schemaVersion,
  journal,
  data_loss_seconds: 0,
});

/** A daemon that has this, and a program that reads other shapes. */
async function program(saved: object, options: Partial<ConnectOptions>) {
  const daemon = await standIn(({ call }) =>
    call === 'GET state' || call === 'GET commands/c1' ? { status: 200, body: saved } : undefined,
  );
  const connection = daemon.line(options);
  return { ...daemon, connection, writes: () => daemon.heard.filter(({ call }) => /^(PUT|PATCH|POST)/.test(call)) };
}

const migrations = {
  1: (names: string[]) => ({ names }),
  2: {
    state: async ({ names }: { names: string[] }) => ({ people: names.map((name) => ({ name })) }),
    entry: ({ data }: Operation) => ({ operation: 'add_person', data: { name: data } }),
  },
};
const shape = { schemaVersion: 3, migrations };

describe('a state of an older schema version', () => {
  it('goes through each migration, and what was journalled with it', async () => {
    const journal = [entry(1, 'b', 1), entry(2, 'c', null), entry(3, { name: 'd' }, 3)];
    const { connection } = await program(stored(['a'], 1, journal), shape);
    expect(await connection.restore()).toMatchObject({
      state: { people: [{ name: 'a' }] },
      schemaVersion: 3,
      migratedFrom: 1,
      journal: [
        { operation: 'add_person', data: { name: 'b' }, schemaVersion: 1 },
        { operation: 'add_person', data: { name: 'c' }, schemaVersion: null },
        { operation: 'add', data: { name: 'd' }, schemaVersion: 3 },
      ],
    });
  });

  it('counts as changed until it is saved, whole', async () => {
    const { connection, heard, writes } = await program(stored(['a'], 2), { schemaVersion: 3, migrations: { 2: {} } });
    await connection.restore();
    await connection.heartbeat({ state: 'clean' });
    await connection.heartbeat({ state: 'urgent' });
    const operations = [{ op: 'add', path: '/-', value: 'b' }];
    await expect(connection.patchState(operations)).rejects.toMatchObject({ code: 'CHECKPOINT_NOT_NEWEST' });
    await connection.patchState(operations, { whole: () => ['a', 'b'] });
    await connection.patchState(operations);
    await connection.heartbeat({ state: 'clean' });
    expect(heard[0]?.call).toBe('GET state');
    expect(writes().map(({ call, body }) => [call, body])).toEqual([
      ['POST heartbeat', { state: 'dirty' }],
      ['POST heartbeat', { state: 'urgent' }],
      ['PUT state', { state: ['a', 'b'], schema_version: 3 }],
      ['PATCH state', { base: 'CP-1', operations, schema_version: 3 }],
      ['POST heartbeat', { state: 'clean' }],
    ]);
  });

  it('is given so when a person gives it', async () => {
    const daemon = await program(stored(['a'], 1), shape);
    const given: unknown[] = [];
    daemon.connection.onSetState(({ state }) => void given.push(state));
    await until('the stream', () => daemon.streams.length === 1);
    daemon.command('c1', 'set_state', { checkpoint_id: 'CP-9' });
    await until('the answer', () => daemon.heard.some(({ call }) => call === 'POST commands/c1'));
    expect(given).toEqual([{ people: [{ name: 'a' }] }]);
  });
});

type Bad = [what: string, code: string, saved: object, options: Partial<ConnectOptions>, why: string];

describe('a state that the program cannot read', () => {
  const bad: Bad[] = [
    [
      'is newer',
      'SCHEMA_NEWER',
      stored(1, 4),
      shape,
      'Checkpoint CP-9 is of schema version 4, this program of "planner" reads 3',
    ],
    [
      'has newer entries',
      'SCHEMA_NEWER',
      stored(1, 3, [entry(7, 1, 4)]),
      shape,
      'Journal entry 7 is of schema version 4',
    ],
    ['misses a migration', 'MIGRATION_MISSING', stored(1, 0), shape, 'no migration from 0 to 1'],
    [
      'has a migration that fails',
      'MIGRATION_FAILED',
      stored({ a: 1 }, 2),
      shape,
      "Checkpoint CP-9 could not be migrated from schema version 2 to 3: TypeError: Cannot read properties of undefined (reading 'map').",
    ],
    [
      'has a migration that gives nothing back',
      'MIGRATION_FAILED',
      stored(1, 1),
      { schemaVersion: 2, migrations: { 1: () => undefined } },
      'it gave back nothing',
    ],
    ...[undefined, null, 'add', { operation: 'add' }, { data: 1 }].map((said): Bad => [
      `has a migration that makes ${JSON.stringify(said)} of an entry`,
      'MIGRATION_FAILED',
      stored(1, 2, [entry(7, 1, 1)]),
      { schemaVersion: 2, migrations: { 1: { entry: () => said as Operation } } },
      'Journal entry 7 could not be migrated from schema version 1 to 2: it gave back no operation with data.',
    ]),
  ];

  it.each(bad)('because it %s is said, and nothing is put in its place', async (_, code, saved, options, why) => {
    const { connection, writes } = await program(saved, options);
    await expect(connection.restore()).rejects.toThrow(why);
    await expect(connection.restore()).rejects.toMatchObject({ code });
    const attempts = [
      () => connection.saveState({}),
      () => connection.patchState([], { whole: () => ({}) }),
      () => connection.journal('add', 1),
    ];
    for (const attempt of attempts) {
      await expect(attempt()).rejects.toMatchObject({ code });
      await expect(attempt()).rejects.toThrow('Nothing is saved in its place: ');
    }
    expect(writes()).toEqual([]);
  });

  it('is not given up when it is asked for, and the daemon is told why', async () => {
    const daemon = await program(stored(1, 4), shape);
    await expect(daemon.connection.restore()).rejects.toMatchObject({ code: 'SCHEMA_NEWER' });
    daemon.connection.onGetState(() => ({ state: {} }));
    await until('the stream', () => daemon.streams.length === 1);
    daemon.command('c2');
    await until('the answer', () => daemon.writes().length === 1);
    expect(daemon.writes()).toMatchObject([
      { call: 'POST commands/c2', body: { error: expect.stringContaining('is of schema version 4') } },
    ]);
  });

  it('leaves a running program as it is', async () => {
    const daemon = await program(stored(1, 4), shape);
    daemon.connection.onSetState(() => expect.unreachable());
    await until('the stream', () => daemon.streams.length === 1);
    daemon.command('c1', 'set_state', { checkpoint_id: 'CP-9' });
    await until('the answer', () => daemon.writes().length === 1);
    expect(daemon.writes()[0]?.body).toEqual({ error: expect.stringContaining('is of schema version 4') });
    await daemon.connection.saveState({ people: [] });
  });
});

describe('schema versions', () => {
  it('are told with all that is saved, and a logical component has its own', async () => {
    const { connection, writes } = await program(stored(null, 1), { schemaVersion: 3 });
    await connection.saveState({});
    await connection.journal('a');
    await connection.child('inside').saveState({});
    await connection.child('inside', { schemaVersion: 7 }).saveState({});
    expect(writes().map(({ body }) => body)).toMatchObject([
      { schema_version: 3 },
      [{ schema_version: 3 }],
      { state: {} },
      { schema_version: 7 },
    ]);
    expect(writes()[2]?.body).not.toHaveProperty('schema_version');
  });

  it.each([
    [{ migrations: { 1: {} } }, 'need a schemaVersion'],
    [{ schemaVersion: 1, migrations: { 1: {} } }, 'migrations.1 leads past schemaVersion 1'],
    [{ schemaVersion: 1.5 }, 'must be a whole number'],
  ] satisfies [ConnectOptions, string][])('that make no sense are refused: %j', async (options, why) => {
    const { line } = await standIn();
    expect(() => line(options)).toThrow(why);
  });

  it('need no migration where nothing was saved', async () => {
    const nothing = { ...stored(null, 1), checkpoint_id: null };
    const { connection } = await program(nothing, { schemaVersion: 9 });
    expect(await connection.restore()).toMatchObject({ state: null, migratedFrom: null, journal: [] });
  });

  it('count for what was only journalled, too', async () => {
    const journalled = { ...stored(null, 1, [entry(1, 'a', null)]), checkpoint_id: null };
    const { connection } = await program(journalled, shape);
    const journal = [{ operation: 'add_person', data: { name: 'a' } }];
    expect(await connection.restore()).toMatchObject({ state: null, migratedFrom: null, journal });
    const { connection: unprepared } = await program(journalled, { schemaVersion: 3 });
    await expect(unprepared.restore()).rejects.toMatchObject({
      code: 'MIGRATION_MISSING',
      message: expect.stringContaining('Journal entry 1 is of schema version 1'),
    });
  });
});

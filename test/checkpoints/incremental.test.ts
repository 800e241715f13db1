import Sqlite from 'better-sqlite3';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MOST_STATE_BYTES } from '../../src/checkpoints/bounds.ts';
import { stateMigrations } from '../../src/checkpoints/migrations.ts';
import { sha256 } from '../../src/digest.ts';
import { STATE_LIMIT } from '../../src/http/body.ts';
import { componentName, type ComponentName } from '../../src/model/index.ts';
import { tempFolder } from '../support/temp.ts';
import { json, noise, open, planner, policy, tamper, writer } from './stores.ts';

const messages = (count: number) => Array.from({ length: count }, (_, id) => ({ id, text: noise(100) }));
const set = (path: string, value: unknown) => ({ op: 'replace', path, value });

describe('operations', () => {
  it('make the next state of the newest one, and only they are stored', async () => {
    const { store, put, patch } = open();
    const state = { counter: 0, messages: messages(20) };
    const { checkpoint_id: first } = await put(planner, { state, schema_version: 4 });
    const second = await patch(planner, first, set('/counter', 1));
    const added = { op: 'add', path: '/messages/-', value: { id: 20, text: 'last' } };
    const third = await patch(planner, second.checkpoint_id, added, set('/messages/20/text', 'changed'));
    const expected = { counter: 1, messages: [...state.messages, { id: 20, text: 'changed' }] };
    expect(await store.getState(planner, null)).toMatchObject({
      checkpoint_id: third.checkpoint_id,
      state: expected,
      schema_version: 4,
    });
    expect(await store.list()).toMatchObject([
      { sequence: 3, kind: 'incremental', parent: second.checkpoint_id, schema_version: 4 },
      { sequence: 2, kind: 'incremental', parent: first, size_bytes: 46 },
      { sequence: 1, kind: 'full', parent: null },
    ]);
    expect(await store.read(second.checkpoint_id)).toMatchObject({ state: { ...state, counter: 1 } });
  });

  it('go on from what an earlier life of the store has written', async () => {
    const first = open();
    const state = { counter: 0, messages: messages(20) };
    const { checkpoint_id } = await first.put(planner, { state });
    const { checkpoint_id: base } = await first.patch(planner, checkpoint_id, set('/counter', 1));
    await first.store.close();
    const { store, patch } = open({ file: first.file });
    await patch(planner, base, { op: 'test', path: '/counter', value: 1 }, set('/counter', 2));
    expect((await store.getState(planner, null)).state).toEqual({ ...state, counter: 2 });
  });

  it('for a checkpoint that is not the newest are refused', async () => {
    const { put, patch, typesOf } = open();
    await expect(patch(planner, 'CP-1', set('/a', 1))).rejects.toMatchObject({
      code: 'CHECKPOINT_NOT_NEWEST',
      http: 409,
    });
    const { checkpoint_id: old } = await put(planner, { state: { a: 0 } });
    const { checkpoint_id: newest } = await put(planner, { state: { a: 1 } });
    await expect(patch(planner, old, set('/a', 2))).rejects.toThrow(`the newest of "planner" is "${newest}"`);
    await expect(patch(writer, newest, set('/a', 2))).rejects.toThrow('"writer" has none');
    expect(typesOf().filter((type) => type === 'checkpoint.write_failed')).toHaveLength(3);
  });

  it('that come again, because the answer was lost, are stored once', async () => {
    const { store, put, patch, typesOf } = open();
    const { checkpoint_id: base } = await put(planner, { state: [noise(100)] });
    const add = { op: 'add', path: '/-', value: 1 };
    const answers = await Promise.all([patch(planner, base, add), patch(planner, base, add)]);
    expect(answers[0]).toEqual(answers[1]);
    expect(await store.list()).toHaveLength(2);
    expect(typesOf()).toEqual(['checkpoint.written', 'checkpoint.written']);
    await expect(patch(planner, base, add, add)).rejects.toMatchObject({ code: 'CHECKPOINT_NOT_NEWEST' });
  });

  it.each([
    ['incremental', { op: 'add', path: '/-', value: 1 }],
    ['full', { op: 'add', path: '/-', value: noise(200) }],
  ])('that come again to another daemon get the same answer: %s', async (kind, add) => {
    const first = open();
    const { checkpoint_id: base } = await first.put(planner, { state: [noise(100)] });
    const answer = await first.patch(planner, base, add);
    expect(answer.kind).toBe(kind);
    await first.store.close();
    const { patch } = open({ file: first.file });
    expect(await patch(planner, base, add)).toEqual(answer);
  });

  it('that cannot be applied leave the state as it was', async () => {
    const { store, put, patch } = open();
    const { checkpoint_id: base } = await put(planner, { state: { a: [1], b: noise(200) } });
    const bad = patch(planner, base, set('/a/0', 2), { op: 'remove', path: '/c' });
    await expect(bad).rejects.toThrow('operations.1: /c does not exist');
    await patch(planner, base, { op: 'test', path: '/a/0', value: 1 }, { op: 'add', path: '/a/-', value: 3 });
    expect((await store.getState(planner, null)).state).toMatchObject({ a: [1, 3] });
  });

  it('do not go on from a state of another schema version', async () => {
    const { store, put } = open();
    const state = { counter: 0, messages: messages(100) };
    const { checkpoint_id: base } = await put(planner, { state, schema_version: 1 });
    const send = (version: number) => {
      const body = { base, operations: [set('/counter', 1)], schema_version: version };
      return store.patchState(planner, json(body), 'interval');
    };
    await expect(send(2)).rejects.toThrow(`${base} is of schema version 1, and the operations of 2`);
    await expect(send(2)).rejects.toMatchObject({ code: 'PATCH_REFUSED', http: 409 });
    await send(1);
    await put(planner, { state: { ...state, counter: 2 }, schema_version: 2 });
    expect((await store.list()).map(({ kind, schema_version: of }) => [kind, of])).toEqual([
      ['full', 2],
      ['incremental', 1],
      ['full', 1],
    ]);
  });

  it('need "through" as a whole state does', async () => {
    const { store, put, journal } = open();
    await journal(planner, 'a', 'b');
    const { checkpoint_id: base } = await put(planner, { state: [], through: 1 });
    const send = (body: object) => store.patchState(planner, json({ base, operations: [], ...body }), 'interval');
    await expect(send({})).rejects.toThrow('through: is required');
    await send({ through: 2 });
    expect(await store.getState(planner, null)).toMatchObject({ journal: [], through: 2 });
  });

  it('on a state with numbers that JavaScript has not are refused, and the state is kept as it is', async () => {
    const { store, patch } = open();
    const state = `{"id":12345678901234567890,"text":"${noise(9_000)}"}`;
    const { checkpoint_id: base } = await store.putState(planner, Buffer.from(`{"state":${state}}`), 'manual');
    await expect(patch(planner, base, set('/text', ''))).rejects.toMatchObject({ code: 'PATCH_REFUSED', http: 409 });
    await store.putState(planner, Buffer.from(`{"state":${state.replace('890', '891')}}`), 'manual');
    expect((await store.list()).map(({ kind }) => kind)).toEqual(['full', 'full']);
  });
});

describe('a state that is sent whole', () => {
  it('is stored as what has changed, when that is less', async () => {
    const { store, put } = open();
    const list = messages(200);
    await put(planner, { state: { list, turn: 1 }, schema_version: 2 });
    const moved = { list: [...list.slice(1), { id: 200, text: 'new' }], turn: 2 };
    await put(planner, { state: moved, schema_version: 2 });
    await put(planner, { state: { list: messages(200), turn: 3 }, schema_version: 2 });
    const [different, changed, first] = await store.list();
    expect([different, changed, first].map((each) => each?.kind)).toEqual(['full', 'incremental', 'full']);
    expect(changed?.stored_bytes).toBeLessThan(300);
    expect(await store.read(changed?.checkpoint_id ?? ('' as never))).toMatchObject({
      state: moved,
      schema_version: 2,
    });
  });

  it('is compressed', async () => {
    const { store, put } = open();
    await put(planner, { state: 'x'.repeat(100_000) });
    expect(await store.list()).toMatchObject([{ size_bytes: 100_002, encoding: 'zstd' }]);
    expect((await store.list())[0]?.stored_bytes).toBeLessThan(1_000);
  });

  it('begins a new chain every five minutes and after fifty patches', async () => {
    const { store, put, patch, clock } = open();
    let { checkpoint_id: base } = await put(planner, { state: { n: 0, text: noise(20_000) } });
    const step = async (n: number) => ({ checkpoint_id: base } = await patch(planner, base, set('/n', n)));
    for (let n = 1; n <= 51; n++) await step(n);
    const fulls = async () =>
      (await store.list()).filter(({ kind }) => kind === 'full').map(({ sequence }) => sequence);
    expect(await fulls()).toEqual([52, 1]);
    await step(52);
    await clock.advance(300_000);
    await step(53);
    expect(await fulls()).toEqual([54, 52, 1]);
    expect(await store.getState(planner, null)).toMatchObject({ state: { n: 53 } });
  });
});

/** Twelve checkpoints, 1, 5 and 9 of them full. */
async function chains(component: ComponentName, { put, patch, clock }: ReturnType<typeof open>) {
  const ids: string[] = [];
  for (let n = 1; n <= 12; n++) {
    const full = n % 4 === 1;
    const state = { n, text: noise(500) };
    const { checkpoint_id } = await (full
      ? put(component, { state })
      : patch(component, ids.at(-1) ?? '', set('/n', n)));
    ids.push(checkpoint_id);
    await clock.advance(1_000);
  }
  return ids;
}

describe('a damaged record', () => {
  it.each([
    ['the newest patch', 12, 11],
    ['a patch', 10, 9],
    ['the full one', 9, 8],
    ['one of an older chain', 5, 12],
  ])('%s: the newest state that does not need it is used', async (_, bad, used) => {
    const house = open();
    const { store, file, events } = house;
    const ids = await chains(planner, house);
    tamper(file, `UPDATE checkpoint SET state = x'00' WHERE sequence = ?`, bad);
    expect(await store.getState(planner, null)).toMatchObject({ checkpoint_id: ids[used - 1], state: { n: used } });
    await store.verify();
    const told = events.filter(({ type }) => type === 'checkpoint.corrupted');
    expect(told).toMatchObject([{ checkpoint: ids[bad - 1], why: 'its bytes do not match its checksum' }]);
    const useless = (await store.list()).filter(({ valid }) => !valid).map(({ sequence }) => sequence);
    const chainEnd = Math.ceil(bad / 4) * 4;
    expect(useless).toEqual(Array.from({ length: chainEnd - bad + 1 }, (_, index) => chainEnd - index));
  });

  it('is one that differs in anything but its bytes too', async () => {
    const house = open();
    const changes = [
      'through = 3',
      'at = at + 1',
      'schema_version = 9',
      `kind = 'other'`,
      `"trigger" = 'manual'`,
      'parent = NULL',
    ];
    for (const [index, change] of changes.entries()) {
      const component = componentName(`c${index}`);
      const ids = await chains(component, house);
      tamper(house.file, `UPDATE checkpoint SET ${change} WHERE component = ? AND sequence = 10`, component);
      const restored = await house.store.getState(component, null);
      expect([change, restored]).toMatchObject([change, { checkpoint_id: ids[8], source: 'previous' }]);
    }
  });

  it('is not built on: the whole state is asked for', async () => {
    const house = open();
    const ids = await chains(planner, house);
    tamper(house.file, `UPDATE checkpoint SET state = x'00' WHERE sequence = 12`);
    await house.store.verify();
    const patched = house.patch(planner, ids[11] ?? '', set('/n', 13));
    await expect(patched).rejects.toMatchObject({ code: 'PATCH_REFUSED' });
    await house.put(planner, { state: 'whole' });
    expect(await house.store.getState(planner, null)).toMatchObject({ state: 'whole', source: 'latest' });
  });
});

describe('retention', () => {
  it('never deletes what a kept patch builds on', async () => {
    const house = open();
    const { store, clock } = house;
    const ids = await chains(planner, house);
    await clock.advance(60_000);
    expect(await store.prune(new Map([[planner, policy(0, 3)]]))).toBe(8);
    expect((await store.list()).map(({ sequence }) => sequence)).toEqual([12, 11, 10, 9]);
    expect(await store.prune(new Map([[planner, policy(0, 1)]]))).toBe(0);
    for (const id of ids.slice(8)) await store.read(id as never);
    expect(await store.getState(planner, null)).toMatchObject({ state: { n: 12 } });
  });

  it('deletes what only a damaged patch builds on', async () => {
    const house = open();
    const ids = await chains(planner, house);
    tamper(house.file, `UPDATE checkpoint SET state = x'00' WHERE sequence = 9`);
    await house.store.verify();
    await house.clock.advance(60_000);
    await house.store.prune(new Map([[planner, policy(0, 2)]]));
    expect((await house.store.list()).map(({ sequence }) => sequence)).toEqual([12, 8, 7, 6, 5]);
    expect(await house.store.getState(planner, null)).toMatchObject({ checkpoint_id: ids[7] });
  });
});

describe('a state.db of before there were patches', () => {
  it('is taken over with its checkpoints and what is known of them', async () => {
    const file = join(tempFolder(), 'state.db');
    const db = new Sqlite(file);
    db.exec(stateMigrations[0] ?? '');
    db.pragma('user_version = 1');
    const insert = db.prepare(
      `INSERT INTO checkpoint (id, component, at, kind, "trigger", schema_version, through, size_bytes, sha256, state)
       VALUES (?, ?, 1, 'full', 'interval', 2, NULL, ?, ?, ?)`,
    );
    for (const [id, component] of [
      ['CP-1', 'planner'],
      ['CP-2', 'writer'],
      ['CP-3', 'planner'],
    ] as const) {
      const state = json({ id });
      insert.run(id, component, state.length, sha256(state), state);
    }
    db.prepare(`INSERT INTO quarantine VALUES ('CP-2', 1, 'bad')`).run();
    db.close();
    const { store, patch } = open({ file });
    expect(await store.list()).toMatchObject([
      { checkpoint_id: 'CP-3', sequence: 2, parent: 'CP-1', valid: true },
      { checkpoint_id: 'CP-2', sequence: 1, parent: null, valid: false },
      { checkpoint_id: 'CP-1', sequence: 1, parent: null, valid: true },
    ]);
    expect(await store.getState(planner, null)).toMatchObject({ state: { id: 'CP-3' }, schema_version: 2 });
    await patch(planner, 'CP-3', set('/id', 'x'));
    expect((await store.getState(planner, null)).state).toEqual({ id: 'x' });
    expect((await store.verify()).corrupted).toEqual([]);
  });
});

describe('a state.db of before the journal could go without its checkpoint', () => {
  it('keeps the journal that its checkpoints need, and no other is promised', async () => {
    const file = join(tempFolder(), 'state.db');
    const db = new Sqlite(file);
    for (const sql of stateMigrations.slice(0, 3)) db.exec(sql);
    db.pragma('user_version = 3');
    const insert = db.prepare(
      `INSERT INTO checkpoint (id, component, sequence, at, kind, "trigger", schema_version, through, root, size_bytes,
         stored_bytes, encoding, sha256, chain, state)
       VALUES (?, ?, ?, 1, 'full', 'interval', 1, ?, ?, 1, 1, 'json', ?, '', '1')`,
    );
    for (const [id, component, sequence, through, root] of [
      ['CP-1', 'planner', 1, 2, 1],
      ['CP-2', 'planner', 2, 4, 2],
      ['CP-3', 'writer', 1, null, 3],
      ['CP-4', 'writer', 2, 4, 4],
    ] as const)
      insert.run(id, component, sequence, through, root, sha256(Buffer.from('1')));
    db.prepare(
      `INSERT INTO journal (entry_id, component, at, operation, data) VALUES (5, 'writer', 1, 'x', '1')`,
    ).run();
    db.close();
    const { store, put } = open({ file });
    await expect(put(planner, { state: 0, through: 1 })).rejects.toThrow('the journal is kept from 2 on');
    await put(planner, { state: 2, through: 2 });
    await put(writer, { state: 0, through: 0 });
    expect(await store.getState(writer, null)).toMatchObject({ state: 0, journal: [{ entry_id: 5 }] });
  });
});

describe('a state that patches make larger', () => {
  const add = (path: string, value: unknown) => ({ op: 'add', path, value });
  const tooLarge = { code: 'STATE_TOO_LARGE', http: 413 };

  it('than one that is put may be is refused, and stays as it was', async () => {
    const { store, put, patch } = open();
    const state = { text: 'x'.repeat(MOST_STATE_BYTES - 400_000) };
    const { checkpoint_id: first } = await put(planner, { state });
    const { checkpoint_id: second } = await patch(planner, first, add('/more', 'y'.repeat(300_000)));
    const grow = patch(planner, second, add('/most', 'z'.repeat(200_000)));
    await expect(grow).rejects.toMatchObject(tooLarge);
    await expect(grow).rejects.toThrow(/^With these operations the state of "planner" would have 16877247 bytes, /);
    expect(await store.list(planner)).toHaveLength(2);
    expect((await store.getState(planner, null)).checkpoint_id).toBe(second);
    const { checkpoint_id: third } = await patch(planner, second, add('/most', 'z'.repeat(50_000)));
    expect(Object.keys((await store.getState(planner, null)).state as object)).toEqual(['text', 'more', 'most']);
    expect(await store.read(third)).toMatchObject({ kind: 'incremental' });
  });

  it('by copies of itself is refused', async () => {
    const { store, put, patch } = open();
    const { checkpoint_id: base } = await put(planner, { state: { text: 'ä'.repeat(4_500_000) } });
    await expect(patch(planner, base, { op: 'copy', from: '/text', path: '/again' })).rejects.toMatchObject(tooLarge);
    expect(await store.list(planner)).toHaveLength(1);
  });

  it('and smaller again is measured by what it is', async () => {
    const { put, patch } = open();
    let { checkpoint_id: base } = await put(planner, { state: { text: 'x'.repeat(MOST_STATE_BYTES - 400_000) } });
    for (let turn = 0; turn < 4; turn++)
      ({ checkpoint_id: base } = await patch(planner, base, add('/more', `${turn}`.repeat(300_000))));
    await expect(patch(planner, base, add('/other', 'y'.repeat(300_000)))).rejects.toMatchObject(tooLarge);
  });

  it('may be as large as a body that puts it', () => {
    expect(MOST_STATE_BYTES).toBe(STATE_LIMIT);
  });
});

describe('operations from who means no good', () => {
  it.each([
    {
      what: 'copy all into itself again and again',
      state: { a: noise(1_000) },
      operations: Array.from({ length: 30 }, (_, index) => ({ op: 'copy', from: '', path: `/c${index}` })),
      why: 'it copies too much',
    },
    {
      what: 'nest one value within another',
      state: { a: { a: {} } },
      operations: Array.from({ length: 12 }, (_, power) => ({
        op: 'copy',
        from: '/a',
        path: '/a'.repeat(2 ** power + 1),
      })),
      why: 'deeper than 1000 levels',
    },
    {
      what: 'put values at the head of a long list',
      state: Array.from({ length: 300_000 }, () => 1),
      operations: Array.from({ length: 1_000 }, () => ({ op: 'add', path: '/0', value: 1 })),
      why: 'it moves too many elements',
    },
  ])('are refused when they $what, and the state stays as it was', async ({ state, operations, why }) => {
    const { store, put, patch } = open();
    const { checkpoint_id } = await put(planner, { state });
    await expect(patch(planner, checkpoint_id, ...operations)).rejects.toMatchObject({
      code: 'PATCH_REFUSED',
      message: expect.stringContaining(why) as string,
    });
    expect(await store.getState(planner, null)).toMatchObject({ checkpoint_id, state });
  });

  it('leave a state from before that is nested too deep as it is', async () => {
    const file = join(tempFolder(), 'state.db');
    const db = new Sqlite(file);
    db.exec(stateMigrations[0] ?? '');
    db.pragma('user_version = 1');
    const state = Buffer.from('['.repeat(10_000) + ']'.repeat(10_000));
    db.prepare(
      `INSERT INTO checkpoint (id, component, at, kind, "trigger", schema_version, through, size_bytes, sha256, state)
       VALUES ('CP-1', 'planner', 1, 'full', 'interval', 1, NULL, ?, ?, ?)`,
    ).run(state.length, sha256(state), state);
    db.close();
    const { store, threaded, put } = open({ file });
    expect(Buffer.from((await threaded.getState(planner, null)).state)).toEqual(state);
    await put(planner, { state: 1 });
    expect(await store.getState(planner, null)).toMatchObject({ state: 1 });
  });
});

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { keyIdOf } from '../../src/checkpoints/cipher.ts';
import type { StateStoreOptions } from '../../src/checkpoints/create-state-store.ts';
import { sha256 } from '../../src/digest.ts';
import { json, noise, open as openStore, planner, policy, tamper, writer } from './stores.ts';

const [key, second] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
const CANARY = 'canary-4711';

/** A store with all that it has told an operator. */
function open(options: Partial<StateStoreOptions> = {}) {
  const notices: string[] = [];
  const opened = openStore({ ...options, onNotice: (notice) => notices.push(notice) });
  const again = async (keys: readonly Buffer[]) => {
    await opened.store.close();
    return open({ file: opened.file, keys });
  };
  return { ...opened, notices, again };
}

/** Files beside the database, and the database itself, in which a text stands. */
function filesWith(file: string, text: string): string[] {
  const folder = dirname(file);
  return readdirSync(folder).filter((name) => readFileSync(join(folder, name)).includes(text));
}

/** Writes something of everything: whole, large, patches, journal; and has a bad request refused. */
async function writeAll({ store, put, patch }: ReturnType<typeof open>) {
  const { checkpoint_id: base } = await put(planner, { state: { text: CANARY, [CANARY]: 1, filler: noise(9_000) } });
  await patch(planner, base, { op: 'add', path: '/more', value: `${CANARY} again` });
  await put(writer, { state: [CANARY, 'x'.repeat(2 ** 20 + 1)] });
  await store.appendJournal(planner, json({ operation: CANARY, data: { [CANARY]: CANARY }, id: `order ${CANARY}` }));
}

describe('what components save', () => {
  it.each([
    { how: 'stands in the files as it is without a key', keys: [], found: ['state.db-wal'], closed: ['state.db'] },
    { how: 'stands nowhere with one, not in the WAL either', keys: [key], found: [], closed: [] },
  ])('$how', async ({ keys, found, closed }) => {
    const opened = open({ keys });
    await writeAll(opened);
    expect(filesWith(opened.file, CANARY)).toEqual(found);
    await opened.store.close();
    expect(filesWith(opened.file, CANARY)).toEqual(closed);
  });

  it('comes back with the key, in another life too', async () => {
    const first = open({ keys: [key] });
    await writeAll(first);
    const { store, events, notices } = await first.again([key]);
    expect(await store.getState(planner, null)).toMatchObject({
      state: { text: CANARY, more: `${CANARY} again` },
      journal: [{ operation: CANARY, data: { [CANARY]: CANARY } }],
      lost_checkpoints: 0,
      lost_entries: [],
    });
    expect(await store.getState(writer, null)).toMatchObject({ state: [CANARY, 'x'.repeat(2 ** 20 + 1)] });
    expect(await store.verify()).toMatchObject({ checked: 3, corrupted: [], integrity: 'ok' });
    expect((await store.list()).map(({ key_id, encoding }) => [key_id, encoding])).toEqual([
      [keyIdOf(key), 'chunks'],
      [keyIdOf(key), 'json'],
      [keyIdOf(key), 'zstd'],
    ]);
    expect(events.filter(({ type }) => type !== 'checkpoint.restored')).toEqual([]);
    expect(notices).toEqual([]);
  });

  it('is known again by its id, and a patch by its request, without either being readable', async () => {
    const { file, store, put, patch } = open({ keys: [key] });
    const entry = () => store.appendJournal(planner, json({ operation: 'pay', id: 'order 4711' }));
    expect([await entry(), await entry()]).toEqual([{ entry_id: 1 }, { entry_id: 1 }]);
    const { checkpoint_id: base } = await put(writer, { state: [] });
    const add = { op: 'add', path: '/-', value: 'order 4711' };
    expect(await patch(writer, base, add)).toEqual(await patch(writer, base, add));
    expect(filesWith(file, 'order 4711')).toEqual([]);
    const request = sha256(json({ base, operations: [add] }));
    expect(filesWith(file, request)).toEqual([]);
  });

  it('is stored once where it is alike within a component, and shows nobody that it is so between two', async () => {
    const { file, put } = open({ keys: [key] });
    const state = noise(2 ** 21);
    await put(planner, { state });
    await put(planner, { state: `${state} and more` });
    await put(writer, { state });
    const db = new Sqlite(file, { readonly: true });
    const pieces = (component: string) =>
      db
        .prepare(
          'SELECT chunk FROM piece JOIN checkpoint ON id = checkpoint WHERE component = ? ORDER BY sequence, place',
        )
        .pluck()
        .all(component) as number[];
    const ours = pieces('planner');
    expect(new Set(ours).size).toBeLessThan(ours.length * 0.7);
    expect(pieces('writer').filter((chunk) => ours.includes(chunk))).toEqual([]);
    const hashes = db.prepare('SELECT sha256 FROM chunk').pluck().all() as string[];
    expect(new Set(hashes).size).toBe(hashes.length);
    db.close();
  });
});

describe('a store that was written with a key', () => {
  it.each([
    { given: 'no key', keys: [], says: 'and none is configured' },
    { given: 'another one', keys: [second], says: `and only ${keyIdOf(second)} is configured` },
  ])('is not opened with $given, and stays as it is', async ({ keys, says }) => {
    const first = open({ keys: [key] });
    await writeAll(first);
    await first.store.close();
    const before = readFileSync(first.file);
    const refused = open({ file: first.file, keys });
    await expect(refused.store.unlocked).rejects.toMatchObject({
      code: 'STATE_LOCKED',
      exit: 2,
      message: expect.stringContaining(`${first.file} is encrypted with the key ${keyIdOf(key)}, ${says}`) as string,
    });
    await expect(refused.put(planner, { state: 'lost?' })).rejects.toThrow('is encrypted with the key');
    await expect(refused.store.getState(planner, null)).rejects.toThrow('is encrypted with the key');
    await refused.store.close();
    expect(refused.events.map(({ type }) => type)).toEqual(['checkpoint.write_failed']);
    expect(readFileSync(first.file).equals(before)).toBe(true);
    expect(readdirSync(dirname(first.file)).toSorted()).toEqual(['state.db', 'state.db.marks']);

    const { store } = open({ file: first.file, keys: [key] });
    await store.unlocked;
    expect(await store.getState(planner, null)).toMatchObject({ state: { text: CANARY }, lost_checkpoints: 0 });
  });

  it('is not opened without it even when nothing is in it yet, or the name of the key is damaged', async () => {
    const first = open({ keys: [key] });
    await first.store.unlocked;
    await first.store.close();
    const refused = open({ file: first.file });
    await expect(refused.store.unlocked).rejects.toThrow(keyIdOf(key));
    await refused.store.close();
    tamper(first.file, `UPDATE encryption_key SET key_id = 'deadbeefdeadbeef'`);
    const damaged = open({ file: first.file });
    await expect(damaged.store.unlocked).rejects.toThrow('its name is damaged');
  });

  it('whose name of the key is damaged is opened with the right one, and never taken for a damaged one with another', async () => {
    const first = open({ keys: [key] });
    await writeAll(first);
    await first.store.close();
    tamper(first.file, `UPDATE encryption_key SET key_id = 'deadbeefdeadbeef'`);
    const wrong = open({ file: first.file, keys: [second] });
    await expect(wrong.store.getState(planner, null)).rejects.toMatchObject({ code: 'STATE_LOCKED' });
    await expect(wrong.store.getState(writer, null)).rejects.toMatchObject({ code: 'STATE_LOCKED' });
    await expect(wrong.store.verify()).rejects.toMatchObject({ code: 'STATE_LOCKED' });
    expect(wrong.typesOf()).toEqual([]);
    const { store } = await wrong.again([key, second]);
    expect(await store.getState(planner, null)).toMatchObject({ state: { text: CANARY }, journal: [{}] });
    expect(await store.getState(writer, null)).toMatchObject({ state: [CANARY, {}] });
  });

  it.each([
    ['its bytes', `UPDATE checkpoint SET state = (SELECT state FROM checkpoint WHERE sequence = 1) WHERE sequence = 2`],
    ['what is known of it', `UPDATE checkpoint SET through = 0 WHERE sequence = 2`],
  ])('in which somebody puts %s right in all checksums finds it out all the same', async (_, sql) => {
    const { file, store, put } = open({ keys: [key] });
    const { checkpoint_id } = await put(planner, { state: 'first' });
    await put(planner, { state: 'second' });
    tamper(file, sql);
    // As who knows how it is done would go about it.
    const [newest] = await store.list(planner);
    const { seal } = await import('../../src/checkpoints/seal.ts');
    const db = new Sqlite(file, { timeout: 5_000 });
    const bytes = db.prepare('SELECT state FROM checkpoint WHERE sequence = 2').pluck().get() as Buffer;
    const forged = { ...newest!, sha256: sha256(bytes) };
    db.prepare('UPDATE checkpoint SET sha256 = ?, chain = ? WHERE sequence = 2').run(forged.sha256, seal('', forged));
    db.close();
    expect(await store.getState(planner, null)).toMatchObject({ checkpoint_id, state: 'first', lost_checkpoints: 1 });
  });

  it('takes a chunk that names another key by a flipped bit for damaged, and goes on from the state before', async () => {
    const { file, store, put, events } = open({ keys: [key] });
    const { checkpoint_id } = await put(planner, { state: 'first' });
    const large = await put(planner, { state: noise(2 ** 20 + 1) });
    const db = new Sqlite(file, { timeout: 5_000 });
    const [number, bytes] = db.prepare('SELECT number, bytes FROM chunk ORDER BY number').raw().get() as [
      number,
      Buffer,
    ];
    // The first byte of the key's id, after the one of the version.
    bytes.writeUInt8(bytes.readUInt8(1) ^ 1, 1);
    db.prepare('UPDATE chunk SET bytes = ? WHERE number = ?').run(bytes, number);
    db.close();
    expect(await store.verify()).toMatchObject({ checked: 2, corrupted: [{ checkpoint_id: large.checkpoint_id }] });
    expect(await store.getState(planner, null)).toMatchObject({ checkpoint_id, state: 'first', lost_checkpoints: 1 });
    expect(events.filter(({ type }) => type === 'checkpoint.corrupted')).toHaveLength(1);
  });

  it('does not take the journal of one component for that of another', async () => {
    const { file, store, journal } = open({ keys: [key] });
    await journal(planner, 'pay');
    await journal(writer, 'rest');
    tamper(
      file,
      `UPDATE journal SET crc = NULL, data = (SELECT data FROM journal WHERE component = 'planner') WHERE component = 'writer'`,
    );
    expect(await store.getState(writer, null)).toMatchObject({ journal: [], lost_entries: [{ after: 0, before: 3 }] });
    expect(await store.getState(planner, null)).toMatchObject({ journal: [{ operation: 'pay' }] });
  });
});

describe('a store that was plain', () => {
  it('is read on with a key, encrypts what comes, and says so once', async () => {
    const plain = open();
    const state = { text: CANARY, filler: noise(9_000) };
    const { checkpoint_id: base } = await plain.put(planner, { state });
    await plain.journal(planner, CANARY);
    await plain.store.appendJournal(planner, json({ operation: 'once', id: 'order 1' }));
    const opened = await plain.again([key]);
    const { store, put, patch, file, notices } = opened;
    expect(await store.getState(planner, null)).toMatchObject({ state, journal: [{}, {}], lost_entries: [] });
    expect(notices).toEqual([
      `what is written is encrypted with the key ${keyIdOf(key)} from now on; what is there (1 checkpoints and 2 journal entries, in plain text) is still read, and goes with its retention`,
    ]);
    expect(await store.appendJournal(planner, json({ operation: 'once', id: 'order 1' }))).toEqual({ entry_id: 2 });
    const operation = { op: 'add', path: '/secret', value: 'canary-secret' };
    const body = json({ base, operations: [operation], through: 2 });
    const { checkpoint_id } = await store.patchState(planner, body, 'interval');
    await expect(patch(planner, base, operation)).rejects.toMatchObject({ code: 'CHECKPOINT_NOT_NEWEST' });
    await put(planner, { state: { ...state, secret: 'canary-secret', more: 1 }, through: 2 });
    expect((await store.list()).map(({ kind, key_id }) => [kind, key_id])).toEqual([
      ['incremental', keyIdOf(key)],
      ['full', keyIdOf(key)],
      ['full', null],
    ]);
    expect(filesWith(file, 'canary-secret')).toEqual([]);
    expect(filesWith(file, CANARY)).toEqual(['state.db']);
    expect(await store.read(checkpoint_id)).toMatchObject({ state: { ...state, secret: 'canary-secret' } });
    expect((await opened.again([key])).notices).toEqual([]);
  });

  it('keeps nothing of what had been deleted before', async () => {
    const plain = open();
    for (const data of [...Array<string>(9).fill(CANARY), 'x'])
      await plain.store.appendJournal(planner, json({ operation: 'x', data: data.repeat(200) }));
    await plain.put(planner, { state: 1, through: 10 });
    await plain.store.close();
    tamper(plain.file, 'DELETE FROM journal WHERE entry_id < 10');
    expect(filesWith(plain.file, CANARY)).toEqual(['state.db']);
    const { store } = await plain.again([key]);
    expect(await store.getState(planner, null)).toMatchObject({ state: 1, lost_entries: [] });
    expect(filesWith(plain.file, CANARY)).toEqual([]);
  });

  it('keeps nothing of it either when nothing else is there', async () => {
    const plain = open();
    await writeAll(plain);
    await plain.store.close();
    for (const table of ['piece', 'chunk', 'checkpoint', 'journal']) tamper(plain.file, `DELETE FROM ${table}`);
    expect(filesWith(plain.file, CANARY)).toEqual(['state.db']);
    const { store, notices } = await plain.again([key]);
    await store.list();
    expect(filesWith(plain.file, CANARY)).toEqual([]);
    expect(notices).toEqual([]);
  });

  it('forgets what was plain with its retention, in the file too', async () => {
    const plain = open();
    await writeAll(plain);
    const { store, put, clock, file, notices, again } = await plain.again([key]);
    await put(planner, { state: 1, through: 1 });
    await put(writer, { state: 1 });
    const policies = new Map([planner, writer].map((name) => [name, policy(0, 1)]));
    clock.skip(1_000);
    await store.prune(policies);
    expect(notices.slice(1)).toEqual(['nothing is in plain text any more']);
    await again([key]);
    expect(filesWith(file, CANARY)).toEqual([]);
  });

  it('has the answer of a request that came before the key', async () => {
    const plain = open();
    const { checkpoint_id: base } = await plain.put(planner, { state: [noise(100)] });
    const add = { op: 'add', path: '/-', value: 1 };
    const answer = await plain.patch(planner, base, add);
    const { patch } = await plain.again([key]);
    expect(await patch(planner, base, add)).toEqual(answer);
  });
});

describe('a key that is exchanged', () => {
  it('reads on, the new one writes, and it is told when the old one is of no more use', async () => {
    const first = open({ keys: [key] });
    await writeAll(first);
    const { store, put, clock, notices, again } = await first.again([second, key]);
    expect(await store.getState(planner, null)).toMatchObject({ state: { text: CANARY }, journal: [{}] });
    expect(notices).toMatchObject([expect.stringContaining(`encrypted with the key ${keyIdOf(key)})`)]);
    const once = await store.appendJournal(planner, json({ operation: CANARY, id: `order ${CANARY}` }));
    expect(once).toEqual({ entry_id: 1 });
    await put(planner, { state: 1, through: 1 });
    await put(writer, { state: 1 });
    expect((await store.list()).slice(0, 2)).toMatchObject([
      { key_id: keyIdOf(second), kind: 'full' },
      { key_id: keyIdOf(second), kind: 'full' },
    ]);
    const tooEarly = await again([second]);
    await expect(tooEarly.store.unlocked).rejects.toThrow(keyIdOf(key));
    const both = await tooEarly.again([second, key]);
    both.clock.skip(clock.now() - both.clock.now() + 1_000);
    await both.store.prune(new Map([planner, writer].map((name) => [name, policy(0, 1)])));
    expect(both.notices).toEqual([
      `nothing is encrypted with the key ${keyIdOf(key)} any more: it need not be configured any longer`,
    ]);
    const alone = await both.again([second]);
    await alone.store.unlocked;
    expect(await alone.store.getState(planner, null)).toMatchObject({ state: 1, lost_checkpoints: 0 });
  });
});

import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CheckpointId } from '../../src/model/index.ts';
import { tempFolder } from '../support/temp.ts';
import { json, noise, open, planner, policy, tamper, writer } from './stores.ts';

const refused = (code: string, text = '') =>
  expect.objectContaining({ code, message: expect.stringContaining(text) as string }) as Error;

describe('a first start', () => {
  it('continues from nothing, and states nothing', async () => {
    const { store, events } = open();
    expect(await store.getState(planner, null)).toEqual({
      checkpoint_id: null,
      state: null,
      schema_version: 1,
      journal: [],
      entries: 0,
      through: null,
      data_loss_seconds: 0,
      lost_checkpoints: 0,
      lost_entries: [],
      source: 'none',
    });
    expect(events).toEqual([]);
  });
});

describe('a state that does not say its schema version', () => {
  it('is of the one that its component is configured with, also when it is put after another', async () => {
    const versions = new Map([[planner, 3]]);
    const { store, put } = open({ schemaVersionOf: (component) => versions.get(component) });
    const text = 'x'.repeat(20_000);
    await put(planner, { state: { text, n: 1 } });
    await put(writer, { state: 1 });
    expect(await store.getState(planner, null)).toMatchObject({ schema_version: 3 });
    expect(await store.getState(writer, null)).toMatchObject({ schema_version: 1 });
    versions.set(planner, 4);
    expect(await put(planner, { state: { text, n: 2 } })).toMatchObject({ kind: 'full' });
    expect(await put(planner, { state: { text, n: 3 } })).toMatchObject({ kind: 'incremental' });
    expect(await store.getState(planner, null)).toMatchObject({ schema_version: 4 });
    await put(planner, { state: 1, schema_version: 2 });
    expect(await store.getState(planner, null)).toMatchObject({ schema_version: 2 });
  });
});

describe('a body that comes in pieces', () => {
  it.each([1, 7, 4_000])('is what it is in one, cut every %i bytes', async (size) => {
    const { store } = open();
    const state = { text: 'ä→𝄞'.repeat(500) };
    const whole = json({ state });
    const pieces = Array.from({ length: Math.ceil(whole.length / size) }, (_, n) =>
      whole.subarray(n * size, (n + 1) * size),
    );
    await store.putState(planner, pieces, 'interval');
    expect(await store.getState(planner, null)).toMatchObject({ state });
    await expect(store.putState(planner, [], 'interval')).rejects.toEqual(refused('BODY_INVALID'));
  });
});

describe('the list of checkpoints', () => {
  it('is as long as it is asked to be, the newest first', async () => {
    const { store, put } = open();
    for (const component of [planner, writer, planner]) await put(component, { state: 1 });
    expect((await store.list()).map(({ component }) => component)).toEqual([planner, writer, planner]);
    expect((await store.list(undefined, 2)).map(({ component }) => component)).toEqual([planner, writer]);
    expect((await store.list(planner, 1)).map(({ sequence }) => sequence)).toEqual([2]);
    await store.putState(writer, json({ state: 2 }), 'interval', 'memory');
    expect((await store.list(undefined, 2)).map(({ kind }) => kind)).toEqual(['memory', 'full']);
  });
});

describe('who journals', () => {
  it('is known from its first entry on, and of an earlier daemon from its checkpoints', async () => {
    const first = open();
    expect(first.store.journals(planner)).toBe(false);
    await first.journal(planner, 'a');
    await first.put(planner, { state: 1, through: 1 });
    await first.put(writer, { state: 1 });
    expect([planner, writer].map((name) => first.store.journals(name))).toEqual([true, false]);
    await first.store.close();
    const { store } = open({ file: first.file });
    await store.remembered();
    expect([planner, writer].map((name) => store.journals(name))).toEqual([true, false]);
  });
});

describe('a checkpoint', () => {
  it('comes back as it was, across a restart of the store', async () => {
    const first = open();
    const state = { plan: ['ü', 1.5, null], id: 7 };
    const { checkpoint_id: id } = await first.put(planner, { state, schema_version: 3 });
    expect(id).toMatch(/^CP-20261123-120000-[0-9A-F]{8}$/);
    await first.store.close();
    const { store, events } = open({ file: first.file });
    expect(await store.getState(planner, null)).toMatchObject({
      checkpoint_id: id,
      state,
      schema_version: 3,
      source: 'latest',
    });
    expect(events).toMatchObject([
      { type: 'checkpoint.restored', checkpoint: id, outcome: 'success', entriesReplayed: 0 },
    ]);
    expect(await store.read(id)).toMatchObject({
      checkpoint_id: id,
      state,
      kind: 'full',
      trigger: 'interval',
      valid: true,
    });
  });

  it('is given back, and shown, letter by letter as it was sent', async () => {
    const { threaded } = open();
    const state = '{ "id": 12345678901234567890, "half": 0.50, "big": 1e400 }';
    const { checkpoint_id: id } = await threaded.putState(planner, Buffer.from(`{"state":${state}}`), 'interval');
    expect(String(Buffer.from((await threaded.getState(planner, null)).state))).toBe(state);
    expect(String(Buffer.from((await threaded.read(id)).state))).toBe(state);
  });

  it('of megabytes is given back as it was, in one piece', async () => {
    const { put, threaded } = open();
    const state = { text: noise(3_000_000) };
    const { checkpoint_id } = await put(planner, { state });
    const given = await threaded.getState(planner, null);
    expect(given.state.byteLength).toBe(given.state.buffer.byteLength);
    expect(Buffer.from(given.state).equals(json(state))).toBe(true);
    expect(given.checkpoint_id).toBe(checkpoint_id);
  });

  it('is stated when it is on disk, with its size and when it was taken', async () => {
    const { put, events, clock } = open();
    const { checkpoint_id } = await put(planner, { state: 'abc' });
    expect(events).toEqual([
      {
        type: 'checkpoint.written',
        at: clock.now(),
        component: planner,
        checkpoint: checkpoint_id,
        trigger: 'interval',
        sizeBytes: 5,
        durationMs: 0,
        capturedAt: clock.now(),
      },
    ]);
  });

  it('belongs to its component only, and the newest counts', async () => {
    const { put, store } = open();
    await Promise.all([put(planner, { state: 1 }), put(writer, { state: 2 }), put(planner, { state: 3 })]);
    expect((await store.getState(planner, null)).state).toBe(3);
    expect((await store.getState(writer, null)).state).toBe(2);
    const all = await store.list();
    expect(all.map(({ component }) => component)).toEqual(['planner', 'writer', 'planner']);
    expect(new Set(all.map(({ checkpoint_id }) => checkpoint_id)).size).toBe(3);
    expect(await store.list(writer)).toHaveLength(1);
  });

  it('that is not JSON is refused, and the ones beside it are not', async () => {
    const { store, put, typesOf } = open();
    const results = await Promise.allSettled([
      put(planner, { state: 1 }),
      store.putState(planner, Buffer.from('{"state":'), 'manual'),
      put(writer, { state: 2 }),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(results[1]).toMatchObject({ reason: { code: 'BODY_INVALID', http: 400 } });
    expect(typesOf().toSorted()).toEqual(['checkpoint.write_failed', 'checkpoint.written', 'checkpoint.written']);
    expect(await store.list()).toHaveLength(2);
  });

  it('may be sent in a buffer of its own or in a piece of a shared one', async () => {
    const { store } = open();
    const alone = new TextEncoder().encode('{"state":1}');
    const shared = Buffer.concat([json({ state: 'noise' }), json({ state: 2 })]);
    await store.putState(planner, alone, 'manual');
    await store.putState(writer, shared.subarray(json({ state: 'noise' }).length), 'manual');
    expect(shared.subarray(0, 8).toString()).toBe('{"state"');
    expect((await store.getState(planner, null)).state).toBe(1);
    expect((await store.getState(writer, null)).state).toBe(2);
  });

  it('tells how much is lost since it was taken, for a component that does not journal', async () => {
    const { put, store, clock } = open();
    await put(planner, { state: 1 });
    const taken = clock.now();
    await clock.advance(90_000);
    expect((await store.getState(planner, clock.now())).data_loss_seconds).toBe(90);
    expect((await store.getState(planner, null)).data_loss_seconds).toBe(0);
    expect((await store.getState(planner, (taken - 5_000) as typeof taken)).data_loss_seconds).toBe(0);
  });

  it('that does not exist cannot be read', async () => {
    const { store } = open();
    await expect(store.read('CP-1' as CheckpointId)).rejects.toThrow(refused('CHECKPOINT_NOT_FOUND'));
  });
});

describe('the journal', () => {
  it('numbers entries in the order of the calls, one or many', async () => {
    const { store, journal } = open();
    const [first, second, third] = await Promise.all([
      journal(planner, 'a', 'b'),
      store.appendJournal(planner, json({ operation: 'c', data: { n: 1 } })),
      journal(planner, 'd'),
    ]);
    expect([first, second, third]).toEqual([[1, 2], { entry_id: 3 }, [4]]);
    const { journal: entries, through } = await store.getState(planner, null);
    expect(entries.map(({ operation }) => operation).join('')).toBe('abcd');
    expect(entries[2]).toMatchObject({ entry_id: 3, data: { n: 1 } });
    expect(through).toBe(4);
  });

  it.each([
    ['plain', []],
    ['encrypted', [Buffer.alloc(32, 1)]],
  ])('gives entries back letter by letter: %s', async (_, keys) => {
    const { threaded } = open({ keys });
    const data = '{ "id": 12345678901234567890, "ratio": 1.0,\n"é": "\\u00e9" }';
    await threaded.appendJournal(planner, Buffer.from(`[{"data": ${data}, "operation": "a"}]`));
    const { journal } = await threaded.getState(planner, null);
    expect(Buffer.from(journal).toString()).toContain(`"data":${data},`);
  });

  it('stores an entry once however often it is sent', async () => {
    const { store } = open();
    const send = (id: string, component = planner) =>
      store.appendJournal(
        component,
        json([
          { operation: 'a', id },
          { operation: 'b', id: `${id}b` },
        ]),
      );
    const answers = await Promise.all([send('x'), send('x'), send('y'), send('x', writer)]);
    expect(answers).toEqual([
      { entry_ids: [1, 2] },
      { entry_ids: [1, 2] },
      { entry_ids: [3, 4] },
      { entry_ids: [5, 6] },
    ]);
    expect((await store.getState(planner, null)).journal).toHaveLength(4);
  });

  it('takes a list as a whole or not at all', async () => {
    const { store, journal } = open();
    const bad = store.appendJournal(planner, json([{ operation: 'a' }, { operation: 5 }]));
    await expect(bad).rejects.toThrow(refused('BODY_INVALID', '1.operation'));
    expect(await journal(planner, 'b')).toEqual([1]);
    expect(await store.appendJournal(planner, json([]))).toEqual({ entry_ids: [] });
  });

  it('is replayed after the last entry that the checkpoint contains', async () => {
    const { store, put, journal, clock } = open();
    await put(planner, { state: 'before' });
    await journal(planner, 'a', 'b', 'c');
    expect((await store.getState(planner, null)).journal).toHaveLength(3);
    await put(planner, { state: 'ab', through: 2 });
    await clock.advance(60_000);
    expect(await store.getState(planner, clock.now())).toMatchObject({
      state: 'ab',
      journal: [{ entry_id: 3, operation: 'c' }],
      through: 3,
      data_loss_seconds: 0,
    });
    await put(planner, { state: 'abc', through: 3 });
    expect(await store.getState(planner, null)).toMatchObject({ journal: [], through: 3 });
  });

  it('makes "through" required, and only an entry that exists will do', async () => {
    const { put, journal } = open();
    await expect(put(planner, { state: 1, through: 1 })).rejects.toThrow(refused('BODY_INVALID', 'through'));
    await put(planner, { state: 1, through: 0 });
    await journal(planner, 'a');
    await expect(put(planner, { state: 1 })).rejects.toThrow(refused('BODY_INVALID', 'through: is required'));
    await expect(put(planner, { state: 1, through: 2 })).rejects.toThrow(refused('BODY_INVALID', 'through: 2 is not'));
    await put(planner, { state: 1, through: 1 });
    await put(writer, { state: 1 });
  });
});

describe('a checkpoint in doubt', () => {
  it('is passed over for the one before, with the journal since that one, and stays valid', async () => {
    const { store, put, journal, events } = open();
    await journal(planner, 'a', 'b', 'c');
    const { checkpoint_id: older } = await put(planner, { state: 'older', through: 1 });
    const { checkpoint_id: newer } = await put(planner, { state: 'newer', through: 2 });
    const restored = await store.getState(planner, null, new Set([newer]));
    expect(restored).toMatchObject({ checkpoint_id: older, state: 'older', source: 'previous', through: 3 });
    expect(restored.journal.map(({ operation }) => operation)).toEqual(['b', 'c']);
    expect(events.at(-1)).toMatchObject({ type: 'checkpoint.restored', source: 'previous', entriesReplayed: 2 });
    expect((await store.list()).map(({ valid }) => valid)).toEqual([true, true]);
  });

  it('is still better than nothing, and than a damaged one', async () => {
    const { file, store, put } = open();
    const ids = new Set<CheckpointId>();
    for (let i = 0; i < 12; i++) ids.add((await put(planner, { state: i })).checkpoint_id);
    expect(await store.getState(planner, null, ids)).toMatchObject({ state: 11, source: 'latest' });
    const oldest = await put(writer, { state: 'oldest' });
    const newest = await put(writer, { state: 'newest' });
    tamper(file, `UPDATE checkpoint SET state = x'00' WHERE id = ?`, oldest.checkpoint_id);
    expect(await store.getState(writer, null, new Set([newest.checkpoint_id]))).toMatchObject({ state: 'newest' });
  });

  it('is passed over however many there are', async () => {
    const { store, put } = open();
    await put(planner, { state: 'oldest' });
    const ids = new Set<CheckpointId>();
    for (let i = 0; i < 20; i++) ids.add((await put(planner, { state: i })).checkpoint_id);
    expect(await store.getState(planner, null, ids)).toMatchObject({ state: 'oldest', source: 'previous' });
  });
});

describe('a damaged checkpoint', () => {
  const flip = (file: string, id: string) =>
    tamper(file, `UPDATE checkpoint SET state = CAST(replace(state, 'good', 'evil') AS BLOB) WHERE id = ?`, id);

  it('is passed over for the one before, with the journal since that one, and told once', async () => {
    const { file, store, put, journal, events } = open();
    await journal(planner, 'a', 'b', 'c');
    const { checkpoint_id: older } = await put(planner, { state: 'good 1', through: 1 });
    const { checkpoint_id: newer } = await put(planner, { state: 'good 2', through: 2 });
    flip(file, newer);
    const restored = await store.getState(planner, null);
    expect(restored).toMatchObject({ checkpoint_id: older, state: 'good 1', source: 'previous', data_loss_seconds: 0 });
    expect(restored.journal.map(({ operation }) => operation)).toEqual(['b', 'c']);
    await store.getState(planner, null);
    expect(events.filter(({ type }) => type === 'checkpoint.corrupted')).toMatchObject([
      { checkpoint: newer, component: planner, why: 'its bytes do not match its checksum' },
    ]);
    expect(events.filter(({ type }) => type === 'checkpoint.restored')).toMatchObject([
      { source: 'previous' },
      { source: 'previous' },
    ]);
    expect((await store.list()).map(({ valid }) => valid)).toEqual([false, true]);
    await put(planner, { state: 'good 3', through: 3 });
    expect(await store.getState(planner, null)).toMatchObject({ state: 'good 3', source: 'latest' });
  });

  it('cannot be read, but its bytes are kept', async () => {
    const { file, store, put } = open();
    const { checkpoint_id: id } = await put(planner, { state: 'good' });
    flip(file, id);
    await expect(store.read(id)).rejects.toThrow(refused('CHECKPOINT_CORRUPTED', 'checksum'));
    expect(await store.list()).toMatchObject([{ checkpoint_id: id, valid: false, size_bytes: 6 }]);
  });

  it('is passed over however many there are', async () => {
    const { file, store, put } = open();
    await put(planner, { state: 'oldest' });
    for (let i = 0; i < 20; i++) await put(planner, { state: 'good' });
    tamper(file, `UPDATE checkpoint SET state = x'00' WHERE number > 1`);
    expect(await store.getState(planner, null)).toMatchObject({ state: 'oldest', source: 'previous' });
  });

  it('without another one is a failed restore, with what is lost', async () => {
    const { file, store, put, clock, events } = open();
    const { checkpoint_id: id } = await put(planner, { state: 'good' });
    await clock.advance(10_000);
    flip(file, id);
    expect(await store.getState(planner, clock.now())).toMatchObject({
      state: null,
      source: 'none',
      data_loss_seconds: 10,
    });
    expect(events.at(-1)).toMatchObject({ type: 'checkpoint.restored', outcome: 'failure', source: 'none' });
  });

  it('is found by verification', async () => {
    const { file, store, put, typesOf } = open();
    const { checkpoint_id: id } = await put(planner, { state: 'good' });
    await put(writer, { state: 'good' });
    const fine = { files: [], manifests: { checked: 0, corrupted: [] }, integrity: 'ok' };
    expect(await store.verify()).toEqual({ checked: 2, corrupted: [], ...fine });
    flip(file, id);
    expect(await store.verify()).toMatchObject({ checked: 2, corrupted: [{ checkpoint_id: id, valid: false }] });
    expect(typesOf()).toContain('checkpoint.corrupted');
  });
});

describe('retention', () => {
  it('deletes what is old, but never the newest few, nor journal that one of them needs', async () => {
    const { store, put, journal, clock } = open();
    await journal(planner, 'a', 'b', 'c', 'd', 'e', 'f');
    for (let through = 1; through <= 5; through++) {
      await put(planner, { state: through, through });
      await clock.advance(60_000);
    }
    await put(writer, { state: 'other' });
    const policies = new Map([[planner, policy(150_000, 1)]]);
    expect(await store.prune(policies)).toBe(3);
    expect((await store.list(planner)).map(({ through }) => through)).toEqual([5, 4]);
    expect(await store.prune(policies)).toBe(0);
    await clock.advance(3_600_000);
    expect(await store.prune(policies)).toBe(1);
    expect(await store.getState(planner, null)).toMatchObject({ state: 5, journal: [{ operation: 'f' }], through: 6 });
    expect(await store.list(writer)).toHaveLength(1);
    await expect(put(planner, { state: 0, through: 4 })).rejects.toThrow(refused('BODY_INVALID', 'may be gone'));
  });

  it('keeps one of each day, without the journal since, and says what going back to it loses', async () => {
    const day = 86_400_000;
    const { store, put, journal, clock } = open();
    const ids: CheckpointId[] = [];
    for (let through = 1; through <= 3; through++) {
      await journal(planner, `day ${through}`);
      ids.push((await put(planner, { state: through, through })).checkpoint_id);
      await clock.advance(day);
    }
    const [first, second, third] = ids as [CheckpointId, CheckpointId, CheckpointId];
    await journal(planner, 'today');
    expect(await store.read(first)).toMatchObject({ journal_complete: true });
    const policies = new Map([[planner, policy(day / 2, 1, { daily: 2 })]]);
    expect(await store.prune(policies)).toBe(1);
    expect((await store.list(planner)).map(({ through }) => through)).toEqual([3, 2]);
    expect(await store.read(third)).toMatchObject({ state: 3, journal_complete: true });
    expect(await store.getState(planner, clock.now())).toMatchObject({
      state: 3,
      journal: [{ operation: 'today' }],
      data_loss_seconds: 0,
      lost_entries: [],
    });
    expect(await store.read(second)).toMatchObject({ state: 2, journal_complete: false });
    expect(await store.getStateAt(planner, second, { endedAt: clock.now(), journal: true })).toMatchObject({
      state: 2,
      journal: [{ operation: 'today' }],
      data_loss_seconds: (2 * day) / 1_000,
      lost_entries: [{ after: 2, before: 4 }],
    });
    await expect(put(planner, { state: 2, through: 2 })).rejects.toThrow(refused('BODY_INVALID', 'kept from 3 on'));
    expect(await store.prune(policies)).toBe(0);
  });

  it('keeps the last entry in mind when all of the journal has gone', async () => {
    const { store, put, journal } = open();
    await journal(planner, 'a');
    await put(planner, { state: 1, through: 1 });
    await store.prune(new Map([[planner, policy(0, 1)]]));
    expect(await store.getState(planner, null)).toMatchObject({ journal: [], through: 1, data_loss_seconds: 0 });
    await expect(put(planner, { state: 1 })).rejects.toThrow(refused('BODY_INVALID', 'through'));
    expect(await journal(planner, 'b')).toEqual([2]);
  });

  it('does not count damaged checkpoints among those to keep', async () => {
    const { file, store, put, clock } = open();
    await put(planner, { state: 'good' });
    const { checkpoint_id: id } = await put(planner, { state: 'bad' });
    tamper(file, `UPDATE checkpoint SET state = x'00' WHERE id = ?`, id);
    await store.getState(planner, null);
    await clock.advance(1_000);
    await store.prune(new Map([[planner, policy(0, 1)]]));
    expect(await store.getState(planner, null)).toMatchObject({ state: 'good' });
  });

  it('gives space back', async () => {
    const { store, put, clock } = open();
    for (let i = 0; i < 5; i++) await put(planner, { state: noise(200_000) });
    await clock.advance(1_000);
    await store.prune(new Map([[planner, policy(0, 1)]]));
    await store.close();
    expect(store.sizeBytes()).toBeLessThan(400_000);
  });
});

describe('the file', () => {
  it('that is damaged is set aside, and a new one begun', async () => {
    const file = join(tempFolder(), 'state.db');
    writeFileSync(file, 'x'.repeat(10_000));
    const { store, put, events } = open({ file });
    await put(planner, { state: 1 });
    expect(events[0]).toMatchObject({ type: 'store.set_aside', store: 'state', why: 'file is not a database' });
    expect(readdirSync(dirname(file)).some((name) => name.startsWith('state.db.corrupt-'))).toBe(true);
    expect((await store.getState(planner, null)).state).toBe(1);
  });

  it('that is begun anew counts on from above the old one, and takes a state by its old number', async () => {
    const file = join(tempFolder(), 'state.db');
    writeFileSync(file, 'x'.repeat(10_000));
    const { store, put, journal } = open({ file });
    await put(planner, { state: 'all that was', through: 4_711 });
    await journal(planner, 'next');
    const { state, journal: entries } = await store.getState(planner, null);
    expect({ state, operations: entries.map(({ operation }) => operation) }).toEqual({
      state: 'all that was',
      operations: ['next'],
    });
    expect(entries[0]!.entry_id).toBeGreaterThan(4_711);
    await put(planner, { state: 'more', through: entries[0]!.entry_id });
  });

  it('tells its size, and is closed once', async () => {
    const { store, file, put } = open();
    await put(planner, { state: 'x'.repeat(10_000) });
    expect(store.sizeBytes()).toBeGreaterThan(10_000);
    await Promise.all([store.close(), store.close()]);
    expect(existsSync(`${file}-wal`)).toBe(false);
    await expect(put(planner, { state: 1 })).rejects.toThrow(refused('STORE_FAILED', 'closed'));
  });
});

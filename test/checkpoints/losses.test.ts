import { appendFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import Sqlite from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { split } from '../../src/checkpoints/chunker.ts';
import { openHighWater } from '../../src/checkpoints/high-water.ts';
import { lossesOf } from '../../src/checkpoints/losses.ts';
import { stateMigrations } from '../../src/checkpoints/migrations.ts';
import { componentName } from '../../src/model/index.ts';
import { copyStore } from '../support/flips.ts';
import { tempFolder } from '../support/temp.ts';
import { json, noise, open, planner, policy, tamper, writer } from './stores.ts';

const entriesOf = ({ journal }: { journal: readonly { entry_id: number }[] }) => journal.map((entry) => entry.entry_id);

describe('a WAL that was cut off', () => {
  it('is noticed: what is lost is told, once, and its numbers are not given out again', async () => {
    const first = open();
    const file = join(tempFolder(), 'state.db');
    await first.put(planner, { state: 'kept' });
    await first.journal(writer, 'a');
    copyStore(first.file, file);
    const { length } = readFileSync(`${file}-wal`);
    await first.put(planner, { state: 'lost' });
    await first.put(planner, { state: 'lost too' });
    await first.journal(writer, 'b', 'c');
    copyStore(first.file, file);
    truncateSync(`${file}-wal`, length);

    const second = open({ file });
    const restored = await second.store.getState(planner, null);
    expect(restored).toMatchObject({ state: 'kept', lost_checkpoints: 2, source: 'latest' });
    expect(await second.store.getState(writer, null)).toMatchObject({ lost_entries: [{ after: 1, before: 4 }] });
    expect(second.events.filter(({ type }) => type === 'checkpoint.lost')).toMatchObject([
      { component: planner, sequences: [2, 3], entries: null },
      { component: writer, sequences: null, entries: { after: 1, before: 4 } },
      { component: writer, why: 'entries of the journal are damaged or missing' },
    ]);
    expect(second.events.find(({ type }) => type === 'checkpoint.restored')).toMatchObject({ checkpointsLost: 2 });
    await second.store.close();

    const third = open({ file });
    await third.put(planner, { state: 'new' });
    expect((await third.store.list(planner)).map(({ sequence }) => sequence)).toEqual([4, 1]);
    expect(await third.store.getState(planner, null)).toMatchObject({ state: 'new', lost_checkpoints: 0 });
    expect(await third.journal(writer, 'd')).toEqual([4]);
    expect(third.typesOf()).not.toContain('checkpoint.lost');
  });

  it('is nothing when all of it had been moved into the file', async () => {
    const first = open();
    await first.put(planner, { state: 1 });
    await first.journal(planner, 'a');
    await first.store.close();
    const second = open({ file: first.file });
    expect(await second.store.getState(planner, null)).toMatchObject({ lost_checkpoints: 0, lost_entries: [] });
    expect(second.typesOf()).toEqual(['checkpoint.restored']);
  });
});

describe('a journal entry', () => {
  it.each([
    ['that was changed', `UPDATE journal SET operation = 'x' WHERE entry_id = 3`],
    ['that is not JSON any more', `UPDATE journal SET data = '{' WHERE entry_id = 3`],
    ['that is gone', 'DELETE FROM journal WHERE entry_id = 3'],
    ['that belongs to another now', `UPDATE journal SET component = 'writer' WHERE entry_id = 3`],
  ])('%s is told as a gap, and the others are given', async (_, sql) => {
    const { file, store, journal, events } = open();
    await journal(planner, 'a', 'b', 'c', 'd');
    tamper(file, sql);
    const restored = await store.getState(planner, null);
    expect(entriesOf(restored)).toEqual([1, 2, 4]);
    expect(restored.lost_entries).toEqual([{ after: 2, before: 4 }]);
    expect(events.at(-1)).toMatchObject({ type: 'checkpoint.lost', entries: { after: 2, before: 4 } });
  });

  it('is missed at the beginning and at the end too', async () => {
    const { file, store, journal, put } = open();
    await journal(planner, 'a', 'b', 'c', 'd');
    await journal(writer, 'e');
    await put(planner, { state: 1, through: 1 });
    tamper(file, 'DELETE FROM journal WHERE entry_id IN (2, 4)');
    const restored = await store.getState(planner, null);
    expect(restored).toMatchObject({
      journal: [{ entry_id: 3 }],
      lost_entries: [
        { after: 1, before: 3 },
        { after: 3, before: 5 },
      ],
    });
  });

  it('keeps the schema version that it was written under, and vouches for it', async () => {
    const { file, store, journal } = open();
    const body = [
      { operation: 'b', schema_version: 2 },
      { operation: 'c', schema_version: 3 },
    ];
    await journal(planner, 'a');
    await store.appendJournal(planner, json(body));
    const versions = async () => (await store.getState(planner, null)).journal.map((entry) => entry.schema_version);
    expect(await versions()).toEqual([null, 2, 3]);
    tamper(file, 'UPDATE journal SET schema_version = 9 WHERE entry_id = 2');
    expect(await versions()).toEqual([null, 3]);
  });

  it('of before there were schema versions is still vouched for', async () => {
    const file = join(tempFolder(), 'state.db');
    const db = new Sqlite(file);
    for (const migration of stateMigrations.slice(0, 3)) db.exec(migration);
    db.pragma('user_version = 3');
    // As it was computed then.
    const crc = crc32(JSON.stringify([1, 0, 'planner', 5, null, 'a', '1']));
    db.prepare(`INSERT INTO journal VALUES (1, 'planner', 5, NULL, 'a', '1', 0, ?)`).run(crc);
    db.close();
    const { store, journal } = open({ file });
    await journal(planner, 'b');
    expect(await store.getState(planner, null)).toMatchObject({
      journal: [{ entry_id: 1, data: 1, schema_version: null }, { entry_id: 2 }],
      lost_entries: [],
    });
  });

  it('that was pruned is not missed, and neither are those of others in between', async () => {
    const { store, journal, put } = open();
    await journal(planner, 'a', 'b');
    await journal(writer, 'x');
    await put(planner, { state: 1, through: 2 });
    await store.prune(new Map([[planner, policy(0, 1)]]));
    await journal(writer, 'y');
    await journal(planner, 'c');
    await journal(writer, 'z');
    await journal(planner, 'd');
    expect(await store.getState(planner, null)).toMatchObject({
      journal: [{ entry_id: 5 }, { entry_id: 7 }],
      lost_entries: [],
    });
  });
});

describe('high-water marks', () => {
  it('come back, whatever else lies in the file', () => {
    const file = join(tempFolder(), 'marks');
    const slot = (sequence: number) => ({ sequence, entry: 7, held: { sequence, entry: 7 } });
    const marks = openHighWater(file);
    marks.set(new Map([[planner, slot(1)]]));
    marks.set(
      new Map([
        [writer, slot(5)],
        [planner, slot(2)],
      ]),
    );
    marks.close();
    appendFileSync(file, 'half a slot');
    const again = openHighWater(file);
    expect([...again.slots]).toEqual([
      [planner, slot(2)],
      [writer, slot(5)],
    ]);
    again.close();
    const bytes = readFileSync(file);
    bytes[3] = 1;
    writeFileSync(file, bytes);
    const damaged = openHighWater(file);
    expect([...damaged.slots.keys()]).toEqual([writer]);
    damaged.close();
  });

  it('are those that were set last, of many components and few', () => {
    const file = join(tempFolder(), 'marks');
    const slot = (sequence: number) => ({ sequence, entry: 0, held: { sequence, entry: 0 } });
    const named = (numbers: readonly number[], sequence: number) =>
      new Map(numbers.map((number) => [componentName(`component-${number}`), slot(sequence)]));
    const all = Array.from({ length: 200 }, (_, number) => number);
    const marks = openHighWater(file);
    const expected = new Map<string, ReturnType<typeof slot>>();
    for (const [index, numbers] of [all, [3], [199, 0], [7, 8, 9, 100], [150, 40, 41, 60]].entries()) {
      marks.set(named(numbers, index));
      for (const [component, mark] of named(numbers, index)) expected.set(component, mark);
    }
    marks.close();
    const again = openHighWater(file);
    expect(new Map(again.slots)).toEqual(expected);
    again.close();
  });

  it('name as lost what is not held', () => {
    const mark = (sequence: number, entry: number) => ({ sequence: 9, entry: 9, held: { sequence, entry } });
    const slots = new Map([
      [planner, mark(5, 8)],
      [writer, mark(3, 3)],
    ]);
    expect(lossesOf(slots, () => ({ sequence: 3, entry: 3 }))).toEqual([
      { component: planner, sequences: [4, 5], entries: { after: 3, before: 9 } },
    ]);
  });
});

describe('a state of more than a megabyte', () => {
  it('is cut where its content says, so that a change moves few of the cuts', () => {
    const bytes = Buffer.from(noise(2_000_000));
    const chunks = split(bytes);
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
    expect(Math.max(...chunks.map(({ length }) => length))).toBeLessThanOrEqual(256 * 1024);
    const known = new Set(chunks.map((chunk) => Buffer.from(chunk).toString('latin1')));
    const changed = split(
      Buffer.concat([bytes.subarray(0, 900_000), Buffer.from('inserted'), bytes.subarray(900_000)]),
    );
    const fresh = changed.filter((chunk) => !known.has(Buffer.from(chunk).toString('latin1')));
    expect(fresh.length).toBeLessThanOrEqual(3);
  });

  it('shares its chunks with the one before, for five minutes, and they go with the last that needs them', async () => {
    const { store, put, clock, file } = open();
    const text = noise(1_500_000);
    await put(planner, { state: { text, n: 1 } });
    await put(planner, { state: { text, n: 2 } });
    await clock.advance(300_000);
    await put(planner, { state: { text, n: 3 } });
    const [third, second, first] = await store.list();
    expect(first?.encoding).toBe('chunks');
    expect(second?.stored_bytes).toBeLessThan(400_000);
    expect(third?.stored_bytes).toBe(first?.stored_bytes);
    expect(await store.getState(planner, null)).toMatchObject({ state: { text, n: 3 } });
    tamper(file, `UPDATE chunk SET bytes = x'00' WHERE number = (SELECT max(number) FROM chunk)`);
    expect(await store.getState(planner, null)).toMatchObject({ state: { n: 2 }, lost_checkpoints: 1 });
    await clock.advance(1_000);
    await put(planner, { state: { text, n: 4 } });
    expect(await store.getState(planner, null)).toMatchObject({ state: { text, n: 4 } });
    await clock.advance(1_000);
    await store.prune(new Map([[planner, policy(0, 1)]]));
    await store.close();
    expect(store.sizeBytes()).toBeLessThan(2_500_000);
  });
});

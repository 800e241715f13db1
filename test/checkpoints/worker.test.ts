import { spawn } from 'node:child_process';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createStateWorker } from '../../src/checkpoints/state-worker.ts';
import { systemClock } from '../../src/clock.ts';
import { startStateThread, stateThread } from '../../src/supervisor/state-thread-ahead.ts';
import { decided, observed, open as openEvents, record } from '../storage/facts.ts';
import { tempFolder, until } from '../support/temp.ts';
import { dyingWorker, json, noise, open, planner } from './stores.ts';

describe('the worker', () => {
  it('commits what arrives together in one transaction, and answers each', async () => {
    const { store } = open();
    await store.list();
    const answers = await Promise.all(
      Array.from({ length: 500 }, (_, n) => store.appendJournal(planner, json({ operation: 'a', data: n }))),
    );
    const ids = answers.map((answer) => ('entry_id' in answer ? answer.entry_id : 0));
    expect(ids).toEqual(Array.from({ length: 500 }, (_, n) => n + 1));
    expect(store.commits()).toBeLessThan(100);
    const { journal } = await store.getState(planner, null);
    expect(journal.map(({ data }) => data)).toEqual(ids.map((id) => id - 1));
  });

  it('that dies fails what was asked, and works again at once', async () => {
    const { store, put } = open({ workerEntry: dyingWorker });
    await put(planner, { state: 1 });
    const results = await Promise.allSettled([put(planner, { state: 'die' }), put(planner, { state: 2 })]);
    for (const result of results) expect(result).toMatchObject({ reason: { code: 'STORE_FAILED', http: 503 } });
    await put(planner, { state: 3 });
    expect((await store.getState(planner, null)).state).toBe(3);
  });

  it('is not given more than may wait for the disk', async () => {
    const folder = tempFolder();
    const worker = createStateWorker({
      entry: new URL('../../src/checkpoints/worker.ts', import.meta.url),
      data: () => ({
        file: join(folder, 'state.db'),
        checkpointsFolder: null,
        eventsFile: null,
        now: systemClock.now(),
        checkpointEventsEveryMs: 1_000,
        keys: [],
        leaving: [],
        dropped: [],
        besides: null,
      }),
      clock: systemClock,
      onEventsMoved: () => {},
      onBesides: () => {},
      onOpened: () => {},
      onNotOpened: () => {},
      mostWaitingBytes: 100,
    });
    onTestFinished(() => worker.close());
    const put = () => {
      const body = new Uint8Array(json({ state: 'x'.repeat(40) }));
      const question = { component: planner, body: [body], trigger: 'interval', at: systemClock.now() } as const;
      return worker.ask('put', question, [body.buffer]);
    };
    const many = await Promise.allSettled([put(), put(), put()]);
    expect(many.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    expect(many[1]).toMatchObject({
      reason: { http: 503, message: expect.stringContaining('too much is waiting for the disk already') as string },
    });
    await put();
    expect(await worker.ask('list', { component: null })).toHaveLength(2);
  });

  it('that cannot begin says why, and is tried again', async () => {
    const folder = join(tempFolder(), 'later');
    const { store, put, clock } = open({ file: join(folder, 'state.db') });
    await expect(put(planner, { state: 1 })).rejects.toMatchObject({ code: 'STORE_FAILED' });
    await expect(put(planner, { state: 1 })).rejects.toThrow('directory does not exist');
    mkdirSync(folder);
    await clock.advance(1_000);
    await put(planner, { state: 2 });
    expect((await store.getState(planner, null)).state).toBe(2);
  });

  it('lives on when the disk is full: what fits is kept', async () => {
    const { put, journal, typesOf } = open({ workerEntry: new URL('./small-disk-worker.ts', import.meta.url) });
    await journal(planner, 'a');
    const [large, small] = await Promise.allSettled([
      put(planner, { state: noise(1_000_000), through: 1 }),
      journal(planner, 'b'),
    ]);
    expect(large).toMatchObject({ reason: { code: 'STORE_FAILED', http: 503 } });
    expect(small).toMatchObject({ value: [2] });
    expect(typesOf()).toEqual(['checkpoint.write_failed']);
    await put(planner, { state: 'small', through: 2 });
  });

  it.each(['waits', 'has ended'])('that was started ahead and %s by now is used or replaced', async (how) => {
    const { thread, loaded } = startStateThread();
    await loaded;
    if (how === 'has ended') await thread.terminate();
    const heard = vi.spyOn(thread, 'postMessage');
    const { store, put } = open({ workerEntry: stateThread, workerAhead: thread });
    await put(planner, { state: 1 });
    expect((await store.getState(planner, null)).state).toBe(1);
    expect(heard.mock.calls.length > 0).toBe(how === 'waits');
  });

  it('waits for nobody: while another holds the file a write fails, it does not hang', async () => {
    const { file, put } = open();
    await put(planner, { state: 1 });
    const other = new Sqlite(file);
    other.exec('BEGIN IMMEDIATE');
    await expect(put(planner, { state: 2 })).rejects.toThrow('state.db could not be written: database is locked');
    other.close();
    await put(planner, { state: 3 });
  });
});

describe('the WAL of events.db', () => {
  it('is moved into the file by the worker, and never in the way of the main thread', async () => {
    const folder = tempFolder();
    const eventsFile = join(folder, 'events.db');
    const events = openEvents(eventsFile, systemClock);
    const onEventsMoved = () => events.store.renewWal();
    const { store } = open({ file: join(folder, 'state.db'), eventsFile, onEventsMoved, checkpointEventsEveryMs: 1 });
    await store.list();
    const walBytes = () => statSync(`${eventsFile}-wal`).size;
    const append = () => events.store.append([observed(undefined, 'x'.repeat(2_000)), decided()], [record()]);
    let appended = 0;
    for (; appended < 6_000; appended++) {
      append();
      if (appended % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await until('all of it is moved and the WAL begun anew', () => walBytes() <= 4 * 2 ** 20);
    expect(statSync(eventsFile).size).toBeGreaterThan(8 * 2 ** 20);
    expect(await store.checkEvents()).toBe('ok');
    expect(events.store.after(0, 1e6)).toHaveLength(appended * 2);
    expect(events.errors).toEqual([]);
    await store.close();
    events.store.close();
  });
});

describe('a daemon that is killed', () => {
  it('has lost no journal entry that was acknowledged, whenever it dies', async () => {
    const file = join(tempFolder(), 'state.db');
    const ledger = new Set<number>();
    for (let round = 0; round < 20; round++) {
      const child = spawn(process.execPath, [join(import.meta.dirname, 'journal-writer.ts'), file], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let output = '';
      child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
      const ended = new Promise((resolve) => child.once('close', resolve));
      await until('the first entry is acknowledged', () => output.includes('\n'));
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 60));
      child.kill('SIGKILL');
      await ended;
      for (const line of output.split('\n').slice(0, -1)) ledger.add(Number(line));
    }
    const { store } = open({ file });
    const { journal } = await store.getState(planner, null);
    const stored = new Set(journal.map(({ entry_id }) => entry_id));
    expect(ledger.size).toBeGreaterThan(20);
    expect([...ledger].filter((id) => !stored.has(id))).toEqual([]);
  }, 60_000);
});

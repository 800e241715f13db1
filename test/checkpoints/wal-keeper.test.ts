import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { expect, it, onTestFinished, vi } from 'vitest';
import { createWalKeeper } from '../../src/checkpoints/wal-keeper.ts';
import { decided, observed, open } from '../storage/facts.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { tempFolder } from '../support/temp.ts';

const ROUND_MS = 2_000;

/** A store, and how often a keeper beside it has told that all of its WAL was moved. */
function kept() {
  const file = join(tempFolder(), 'events.db');
  const clock = new FakeClock();
  const { store, db } = open(file, new FakeClock());
  const other = new Sqlite(file, { readonly: true });
  const moved = vi.fn();
  const keeper = createWalKeeper(file, ROUND_MS, moved, clock);
  onTestFinished(() => {
    keeper.close();
    other.close();
    store.close();
  });
  const wal = () => (other.pragma('wal_checkpoint(NOOP)') as [{ log: number; checkpointed: number }])[0];
  const write = (bytes: number) => store.append([observed(undefined, 'x'.repeat(bytes)), decided()], []);
  return { store, db, clock, wal, write, moved: () => moved.mock.calls.length };
}

it('moves what is new once there is a mebibyte of it, and not again with each decision after that', async () => {
  const { store, clock, wal, write, moved } = kept();
  write(2 ** 19);
  await clock.advance(ROUND_MS);
  expect([wal().checkpointed, moved()]).toEqual([0, 0]);

  write(2 ** 20);
  await clock.advance(ROUND_MS);
  const { log, checkpointed } = wal();
  expect([log > 256, checkpointed, moved()]).toEqual([true, log, 1]);

  // Nobody who decides something is to be the one that begins it anew: that waits for the disk.
  store.renewWal();
  expect(wal()).toMatchObject({ log: 1, checkpointed: 0 });
  write(10);
  await clock.advance(ROUND_MS);
  expect([wal().checkpointed, moved()]).toEqual([0, 1]);
});

it('tells once of what the main thread has moved itself', async () => {
  const { store, db, clock, wal, write, moved } = kept();
  write(2 ** 21);
  db.pragma('wal_checkpoint(PASSIVE)');
  await clock.advance(3 * ROUND_MS);
  expect(moved()).toBe(1);
  store.renewWal();
  expect(wal()).toMatchObject({ log: 1, checkpointed: 0 });
  await clock.advance(ROUND_MS);
  write(2 ** 21);
  db.pragma('wal_checkpoint(PASSIVE)');
  await clock.advance(ROUND_MS);
  expect(moved()).toBe(2);
});

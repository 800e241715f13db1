import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { expect, it, onTestFinished } from 'vitest';
import { createWalKeeper } from '../../src/checkpoints/wal-keeper.ts';
import { decided, observed, open } from '../storage/facts.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { tempFolder } from '../support/temp.ts';

const ROUND_MS = 2_000;

it('moves what is new once there is a mebibyte of it, and not again with each decision after that', async () => {
  const file = join(tempFolder(), 'events.db');
  const clock = new FakeClock();
  const { store } = open(file, new FakeClock());
  const other = new Sqlite(file, { readonly: true });
  let moved = 0;
  const keeper = createWalKeeper(file, ROUND_MS, () => moved++, clock);
  onTestFinished(() => {
    keeper.close();
    other.close();
    store.close();
  });
  const wal = () => (other.pragma('wal_checkpoint(NOOP)') as [{ log: number; checkpointed: number }])[0];
  const write = (bytes: number) => store.append([observed(undefined, 'x'.repeat(bytes)), decided()], []);

  write(2 ** 19);
  await clock.advance(ROUND_MS);
  expect([wal().checkpointed, moved]).toEqual([0, 0]);

  write(2 ** 20);
  await clock.advance(ROUND_MS);
  const { log, checkpointed } = wal();
  expect([log > 256, checkpointed, moved]).toEqual([true, log, 1]);

  // Nobody who decides something is to be the one that begins it anew: that waits for the disk.
  store.renewWal();
  expect(wal()).toMatchObject({ log: 1, checkpointed: 0 });
  write(10);
  await clock.advance(ROUND_MS);
  expect([wal().checkpointed, moved]).toEqual([0, 1]);
});

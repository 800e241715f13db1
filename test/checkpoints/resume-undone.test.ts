import { mkdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CheckpointId } from '../../src/model/index.ts';
import { dyingWorker, json, open, planner, tamper } from './stores.ts';

type House = ReturnType<typeof open>;
const file = ({ file }: House, id: string) => join(dirname(file), 'checkpoints', planner, `${id}.json`);

/** Goes back to a file of another store, over a state and an entry that were acknowledged. */
async function lost() {
  const other = open();
  const { checkpoint_id: id } = await other.store.putState(planner, json({ state: 'of the file' }), 'manual', 'disk');
  await other.store.close();
  const house = open({ workerEntry: dyingWorker });
  mkdirSync(dirname(file(house, id)), { recursive: true });
  renameSync(file(other, id), file(house, id));
  await house.put(planner, { state: 'acknowledged', through: null });
  await house.journal(planner, 'acknowledged too');
  return { ...house, goBack: () => goBack(house, id) };
}

const acknowledged = { state: 'acknowledged', journal: [{ operation: 'acknowledged too' }], source: 'latest' };

const goBack = ({ store }: House, checkpoint_id: CheckpointId | null, leaving = true) =>
  store.resume.from([{ component: planner, checkpoint_id, journal: true }], leaving);

const die = ({ put }: House) => expect(put(planner, { state: 'die' })).rejects.toThrow('it was told to die');

describe('a recovery of which nothing comes', () => {
  it('hides nothing that was acknowledged, though the thread of the store has died since it stored a file', async () => {
    const house = await lost();
    await house.goBack();
    await die(house);
    await house.store.resume.drop(planner);
    expect(await house.store.getState(planner, null)).toMatchObject(acknowledged);
    expect(await house.store.list()).toHaveLength(1);
  });

  it('has stored the file with the resume point, or not at all', async () => {
    const house = await lost();
    for (const sql of ['INSERT ON resume_point', 'DELETE ON checkpoint'])
      tamper(
        house.file,
        `CREATE TRIGGER "${sql}" BEFORE ${sql} BEGIN SELECT raise(FAIL, 'database or disk is full'); END`,
      );
    await expect(house.goBack()).rejects.toMatchObject({ code: 'STORE_FAILED' });
    expect(await house.store.getState(planner, null)).toMatchObject(acknowledged);
    expect(await house.store.list()).toHaveLength(1);
  });

  it('goes back to where the component had been brought back before, though that thread has died', async () => {
    const house = open({ workerEntry: dyingWorker });
    const ids: CheckpointId[] = [];
    for (const state of ['oldest', 'old', 'new']) ids.push((await house.put(planner, { state })).checkpoint_id);
    await goBack(house, ids[1]!, false);
    await house.clock.advance(1_000);
    await goBack(house, ids[0]!);
    await die(house);
    await house.store.resume.drop(planner);
    expect(await house.store.getState(planner, null)).toMatchObject({ state: 'old' });
    await house.put(planner, { state: 'later' });
    expect(await house.store.getState(planner, null)).toMatchObject({ state: 'later' });
  });

  it('is one that the thread had stored when it died without saying so', async () => {
    const house = open({ workerEntry: dyingWorker });
    const { checkpoint_id: old } = await house.put(planner, { state: 'old' });
    await house.put(planner, { state: 'die silently' });
    await expect(goBack(house, old)).rejects.toMatchObject({ code: 'STORE_FAILED' });
    expect(await house.store.getState(planner, null)).toMatchObject({ state: 'die silently' });
    expect(await house.store.resume.list()).toEqual([]);
  });

  it('is dropped although the thread dies while it is asked to', async () => {
    const house = open({ workerEntry: dyingWorker });
    const { checkpoint_id: old } = await house.put(planner, { state: 'old' });
    await house.put(planner, { state: 'new' });
    await goBack(house, old);
    const died = die(house);
    await expect(house.store.resume.drop(planner)).rejects.toMatchObject({ code: 'STORE_FAILED' });
    await died;
    expect(await house.store.getState(planner, null)).toMatchObject({ state: 'new' });
  });

  it('loses nothing that was in memory only', async () => {
    const house = await lost();
    await house.store.putState(planner, json({ state: 'in memory', through: 1 }), 'interval', 'memory');
    await house.goBack();
    expect(await house.store.getState(planner, null)).toMatchObject({ state: 'of the file' });
    await house.store.resume.drop(planner);
    expect(await house.store.getState(planner, null)).toMatchObject({ state: 'in memory', journal: [] });
    expect((await house.store.list()).map(({ kind }) => kind)).toEqual(['full', 'full']);
  });
});

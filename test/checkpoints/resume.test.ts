import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createCheckpointFiles } from '../../src/checkpoints/checkpoint-files.ts';
import { stateMigrations } from '../../src/checkpoints/migrations.ts';
import { createStateDatabase } from '../../src/checkpoints/state-database.ts';
import { resumeFrom } from '../../src/checkpoints/resume.ts';
import type { ResumePoints } from '../../src/checkpoints/state-store.ts';
import { epochMs, type CheckpointId } from '../../src/model/index.ts';
import { openDatabase } from '../../src/storage/open.ts';
import { tempFolder } from '../support/temp.ts';
import { dyingWorker, json, open, planner, policy, tamper, writer } from './stores.ts';

type House = ReturnType<typeof open>;

/** Three states of a component that journals, and how it is brought back to one of them. */
async function saved() {
  const house = open();
  const ids: CheckpointId[] = [];
  for (let through = 1; through <= 3; through++) {
    await house.journal(planner, `entry ${through}`);
    ids.push((await house.put(planner, { state: through, through })).checkpoint_id);
    await house.clock.advance(60_000);
  }
  await house.journal(planner, 'entry 4');
  const goBack = (checkpoint_id: CheckpointId | null, { journal = true, leaving = false } = {}) =>
    house.store.resume.from([{ component: planner, checkpoint_id, journal }], leaving);
  return { ...house, ids: ids as [CheckpointId, CheckpointId, CheckpointId], goBack };
}

/** The same file with another thread, as after the death of the daemon. */
async function reopened(house: House) {
  await house.store.close();
  return open({ file: house.file, clock: house.clock });
}

const operations = ({ journal }: { journal: readonly { operation: string }[] }) =>
  journal.map(({ operation }) => operation);

describe('a component that was brought back', () => {
  it('continues from there with each life, over the death of the daemon, until it saves again', async () => {
    const house = await saved();
    await house.goBack(house.ids[0]);
    const there = { checkpoint_id: house.ids[0], state: 1, source: 'previous', lost_checkpoints: 0 };
    for (let life = 0; life < 2; life++)
      expect(await house.store.getState(planner, house.clock.now())).toMatchObject(there);
    const next = await reopened(house);
    const restored = await next.store.getState(planner, null);
    expect(restored).toMatchObject(there);
    expect(operations(restored)).toEqual(['entry 2', 'entry 3', 'entry 4']);
    expect(await next.store.resume.list()).toMatchObject([{ component: planner, checkpoint_id: house.ids[0] }]);
    const { checkpoint_id: id } = await next.put(planner, { state: 'anew', through: 4 });
    expect(await next.store.getState(planner, null)).toMatchObject({ checkpoint_id: id, source: 'latest' });
    expect(await next.store.resume.list()).toEqual([]);
    const last = await reopened(next);
    expect(await last.store.getState(planner, null)).toMatchObject({ checkpoint_id: id });
  });

  it('is given what it has journalled since, also without the journal of before', async () => {
    const house = await saved();
    const { goBack, store, journal, clock } = house;
    await goBack(house.ids[1], { journal: false });
    expect(operations(await store.getState(planner, clock.now()))).toEqual([]);
    await journal(planner, 'since');
    await clock.advance(5_000);
    const restored = await store.getState(planner, clock.now());
    expect(operations(restored)).toEqual(['since']);
    expect(restored).toMatchObject({ state: 2, data_loss_seconds: 0, lost_entries: [] });
  });

  it('to nothing begins with that, and what it has journalled since', async () => {
    const { goBack, store, journal, put } = await saved();
    await goBack(null);
    expect(await store.getState(planner, null)).toMatchObject({
      checkpoint_id: null,
      state: null,
      journal: [],
      through: 4,
    });
    await journal(planner, 'since');
    expect(operations(await store.getState(planner, null))).toEqual(['since']);
    await put(planner, { state: 'anew', through: 5 });
    expect(await store.getState(planner, null)).toMatchObject({ state: 'anew' });
  });

  it('is told what it has lost: since that checkpoint, and then since it went on from there', async () => {
    const { store, put, clock } = open();
    const { checkpoint_id } = await put(planner, { state: 1 });
    await clock.advance(60_000);
    await put(planner, { state: 2 });
    await store.resume.from([{ component: planner, checkpoint_id, journal: true }], false);
    expect(await store.getState(planner, clock.now())).toMatchObject({ state: 1, data_loss_seconds: 60 });
    await clock.advance(5_000);
    expect(await store.getState(planner, clock.now())).toMatchObject({ state: 1, data_loss_seconds: 5 });
  });

  it('is not undone by what its life of before saves until it has left', async () => {
    const house = await saved();
    const { goBack, store, put, journal, clock } = house;
    await goBack(house.ids[0], { leaving: true, journal: false });
    await journal(planner, 'farewell');
    await put(planner, { state: 'at the stop', through: 5 });
    await clock.advance(1_000);
    await store.resume.begun(planner);
    const restored = await store.getState(planner, clock.now());
    expect(restored).toMatchObject({ state: 1, journal: [] });
    await journal(planner, 'since');
    expect(operations(await store.getState(planner, null))).toEqual(['since']);
    await put(planner, { state: 'anew', through: 6 });
    expect(await store.getState(planner, null)).toMatchObject({ state: 'anew' });
  });

  it('and whose daemon died meanwhile goes on from there all the same', async () => {
    const house = await saved();
    await house.goBack(house.ids[0], { leaving: true });
    const stopping = await reopened(house);
    await stopping.store.resume.awaited(planner);
    await stopping.put(planner, { state: 'at the stop', through: 4 });
    const next = await reopened(stopping);
    expect(await next.store.getState(planner, null)).toMatchObject({ state: 1 });
    // It was given it: nobody had to say that it has begun.
    await next.store.resume.awaited(planner);
    await next.put(planner, { state: 'anew', through: 4 });
    expect(await next.store.getState(planner, null)).toMatchObject({ state: 'anew' });
  });

  it.each([
    ['goes on from there, whatever its life of before saves', () => Promise.resolve(), 'old'],
    ['saves what counts when it has begun', (points: ResumePoints) => points.begun(planner), 'later'],
    ['goes on as before when nothing comes of it', (points: ResumePoints) => points.drop(planner), 'later'],
  ])('and whose thread of the store dies meanwhile %s', async (_, unheard, state) => {
    const { store, put, clock } = open({ workerEntry: dyingWorker });
    const { checkpoint_id } = await put(planner, { state: 'old' });
    await put(planner, { state: 'new' });
    await store.resume.from([{ component: planner, checkpoint_id, journal: true }], true);
    unheard(store.resume).catch(() => {});
    await expect(put(planner, { state: 'die' })).rejects.toThrow('it was told to die');
    await put(planner, { state: 'later' });
    await store.resume.begun(planner);
    expect(await store.getState(planner, clock.now())).toMatchObject({ state });
  });

  it('goes on as before when nothing comes of it', async () => {
    const { goBack, store, ids } = await saved();
    await goBack(ids[1]);
    await goBack(ids[0], { leaving: true });
    await store.resume.drop(planner);
    expect(await store.getState(planner, null)).toMatchObject({ state: 2 });
    await goBack(null);
    await store.resume.drop(planner);
    expect(await store.getState(planner, null)).toMatchObject({ state: 2 });
    await store.resume.drop(writer);
  });

  it('goes on from what it has saved meanwhile when nothing comes of it', async () => {
    const { goBack, store, put, ids } = await saved();
    await goBack(ids[1]);
    await goBack(ids[0], { leaving: true });
    await put(planner, { state: 'meanwhile', through: 4 });
    await store.resume.drop(planner);
    expect(await store.getState(planner, null)).toMatchObject({ state: 'meanwhile' });
  });

  it('goes on from what it has saved in memory meanwhile, for as long as that is there', async () => {
    const house = await saved();
    const { goBack, store, ids } = house;
    await goBack(ids[1]);
    await goBack(ids[0], { leaving: true });
    await store.putState(planner, json({ state: 'meanwhile', through: 4 }), 'interval', 'memory');
    await store.resume.drop(planner);
    expect(await store.getState(planner, null)).toMatchObject({ state: 'meanwhile' });
    const next = await reopened(house);
    expect(await next.store.getState(planner, null)).toMatchObject({ state: 2 });
  });

  it('continues from the one before when that is in doubt since, and the first time from that, whatever was', async () => {
    const { goBack, store, ids, clock } = await saved();
    const doubted = new Set([ids[1]]);
    await goBack(ids[1]);
    expect(await store.getState(planner, clock.now(), doubted)).toMatchObject({ state: 2 });
    await clock.advance(1_000);
    expect(await store.getState(planner, clock.now(), doubted)).toMatchObject({ state: 1, lost_checkpoints: 0 });
    expect(await store.getState(planner, clock.now(), new Set(ids))).toMatchObject({ state: 2 });
  });

  it('continues from the one before when that is damaged, and from a newer one when there is no other', async () => {
    const { goBack, store, ids, file, typesOf } = await saved();
    await goBack(ids[1]);
    tamper(file, `UPDATE checkpoint SET state = x'00' WHERE id = ?`, ids[1]);
    expect(await store.getState(planner, null)).toMatchObject({ state: 1, lost_checkpoints: 1 });
    tamper(file, `UPDATE checkpoint SET state = x'00' WHERE id = ?`, ids[0]);
    expect(await store.getState(planner, null)).toMatchObject({ state: 3, lost_checkpoints: 0 });
    expect(typesOf().filter((type) => type === 'checkpoint.corrupted')).toHaveLength(2);
  });

  it('is sent back by a resume point of a version before this one, which knew nothing to undo', async () => {
    const house = await saved();
    await house.store.close();
    const row = [planner, house.ids[0], 1, house.clock.now(), null, 4];
    tamper(
      house.file,
      `INSERT INTO resume_point (component, checkpoint, journal, at, since, after_entry, crc)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
      ...row,
      crc32(JSON.stringify(row)),
    );
    const next = open({ file: house.file });
    expect(await next.store.getState(planner, null)).toMatchObject({ state: 1 });
  });

  it.each([`after_entry = after_entry + 1`, `adopted = 'CP-20260101-000000-00000000'`, `replaced = '{}'`])(
    'is not sent back by a resume point in which a bit has flipped, and that is said once: %s',
    async (flip) => {
      const house = await saved();
      await house.goBack(house.ids[0]);
      await house.store.close();
      tamper(house.file, `UPDATE resume_point SET ${flip}`);
      const notices: string[] = [];
      const next = open({ file: house.file, onNotice: (notice) => notices.push(notice) });
      expect(await next.store.getState(planner, null)).toMatchObject({ state: 3 });
      expect(notices).toEqual([expect.stringContaining('where planner was brought back to is damaged')]);
      await next.store.close();
      const last = open({ file: house.file, onNotice: (notice) => notices.push(notice) });
      await last.store.list();
      expect(notices).toHaveLength(1);
    },
  );

  it('keeps that checkpoint, what it builds on and its journal, however old', async () => {
    const { goBack, store, clock, put } = await saved();
    const whole = { text: 'x'.repeat(1_000) };
    const { checkpoint_id: full } = await put(planner, { state: whole, through: 4 });
    const { checkpoint_id: patched } = await store.patchState(
      planner,
      json({ base: full, operations: [{ op: 'add', path: '/n', value: 1 }], through: 4 }),
      'interval',
    );
    await put(planner, { state: 5, through: 4 });
    await put(planner, { state: 6, through: 4 });
    await goBack(patched);
    await clock.advance(86_400_000);
    const policies = new Map([[planner, policy(0, 1)]]);
    await store.prune(policies);
    expect((await store.list()).map(({ checkpoint_id: id }) => id)).toEqual(expect.arrayContaining([patched, full]));
    expect(await store.list()).toHaveLength(3);
    expect(await store.getState(planner, null)).toMatchObject({ state: { ...whole, n: 1 } });

    const other = await saved();
    await other.goBack(other.ids[0]);
    await other.clock.advance(86_400_000);
    await other.store.prune(policies);
    expect(operations(await other.store.getState(planner, null))).toEqual(['entry 2', 'entry 3', 'entry 4']);
  });

  it('continues from what it saves in memory, for as long as that is there', async () => {
    const house = await saved();
    const { goBack, store } = house;
    const hold = (state: unknown) => store.putState(planner, json({ state, through: 4 }), 'interval', 'memory');
    await goBack(house.ids[0], { leaving: true });
    await hold('before it has left');
    await store.resume.begun(planner);
    expect(await store.getState(planner, null)).toMatchObject({ state: 1 });
    await hold('anew');
    expect(await store.getState(planner, null)).toMatchObject({ state: 'anew' });
    const next = await reopened(house);
    expect(await next.store.getState(planner, null)).toMatchObject({ state: 1 });
    await next.store.putState(planner, json({ state: 'again', through: 4 }), 'interval', 'memory');
    await next.store.storeHeld(planner);
    expect(await next.store.resume.list()).toEqual([]);
  });

  it('is one of several that go back together, or none of them does', async () => {
    const { store, ids, put } = await saved();
    const { checkpoint_id: other } = await put(writer, { state: 'w' });
    await put(writer, { state: 'w2' });
    const wishes = (id: string) => [
      { component: writer, checkpoint_id: other, journal: true },
      { component: planner, checkpoint_id: id as CheckpointId, journal: true },
    ];
    for (const wrong of ['CP-gone', other])
      await expect(store.resume.from(wishes(wrong), false)).rejects.toMatchObject({ code: 'CHECKPOINT_NOT_FOUND' });
    expect(await store.getState(writer, null)).toMatchObject({ state: 'w2' });
    await store.resume.from(wishes(ids[0]), false);
    expect(await store.getState(writer, null)).toMatchObject({ state: 'w' });
    expect(await store.getState(planner, null)).toMatchObject({ state: 1 });
  });

  it('that is not to remember anything is given what a person has asked for all the same', async () => {
    const { goBack, store, ids } = await saved();
    const nothing = { checkpoint_id: null, state: null, journal: [], through: 4, source: 'none' };
    expect(await store.getState(planner, null, new Set(), false)).toMatchObject(nothing);
    await goBack(ids[0]);
    expect(await store.getState(planner, null, new Set(), false)).toMatchObject({ state: 1 });
  });
});

describe('what is remembered', () => {
  it('is told of each component that has saved or journalled, with its newest valid checkpoint', async () => {
    const { store, put, journal, file, clock } = open();
    expect(await store.remembered()).toEqual([]);
    await put(planner, { state: 1 });
    const at = clock.now();
    await clock.advance(1_000);
    const { checkpoint_id: id } = await put(planner, { state: 2 });
    tamper(file, `UPDATE checkpoint SET state = x'00' WHERE id = ?`, id);
    await store.getState(planner, null);
    await journal(writer, 'a');
    expect(await store.remembered()).toEqual([
      { component: planner, newest: { at, size_bytes: 1 }, hasSaved: true, journals: false },
      { component: writer, newest: null, hasSaved: false, journals: true },
    ]);
    await store.putState(writer, json({ state: 1, through: 1 }), 'interval', 'memory');
    expect(await store.remembered()).toContainEqual({
      component: writer,
      newest: null,
      hasSaved: true,
      journals: true,
    });
  });
});

describe('a checkpoint whose time is over', () => {
  it('stays, with what it builds on, when somebody is brought back to it before it goes', () => {
    const db = openDatabase(join(tempFolder(), 'state.db'), { synchronous: 'FULL', migrations: stateMigrations });
    const states = createStateDatabase(db, createCheckpointFiles(tempFolder()));
    const at = epochMs(1_000_000);
    const full = states.put({
      component: planner,
      body: json({ state: { a: 'x'.repeat(100) } }),
      trigger: 'interval',
      at,
    });
    const patch = (base: string, b: number) =>
      states.patch({
        component: planner,
        body: json({ base, operations: [{ op: 'add', path: '/b', value: b }] }),
        trigger: 'interval',
        at,
      });
    const second = patch(full.checkpoint_id, 2);
    const third = patch(second.checkpoint_id, 3);
    states.put({ component: planner, body: json({ state: 'newest' }), trigger: 'interval', at, kind: 'full' });
    const { retention } = policy(0, 1);
    const sequences = states.expirable({ component: planner, retention, at: epochMs(2_000_000) });
    expect(sequences).toEqual([3, 2, 1]);
    resumeFrom(states, {
      points: [{ component: planner, checkpoint_id: second.checkpoint_id, journal: true }],
      leaving: false,
      at,
    });
    expect(states.expire({ component: planner, sequences })).toBe(1);
    expect(states.checkpoints.one(third.checkpoint_id)).toBeNull();
    expect(states.checkpoints.one(full.checkpoint_id)).not.toBeNull();
    db.close();
  });
});

import { statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { AskedKind } from '../../src/checkpoints/state-store.ts';
import { createHeldStates } from '../../src/checkpoints/held-states.ts';
import { componentName, type CheckpointId, type ComponentName } from '../../src/model/index.ts';
import { json, noise, open, planner, policy, writer } from './stores.ts';

const none = new Set<CheckpointId>();

/** A store, and how states are saved in memory. */
function setUp(options: Parameters<typeof open>[0] = {}) {
  const house = open(options);
  const save = (body: object, kind: AskedKind = 'memory', component: ComponentName = planner) =>
    house.store.putState(component, json(body), 'interval', kind);
  return { ...house, save };
}

describe('a checkpoint in memory', () => {
  it('is what the component continues from when it is newer than all that is stored', async () => {
    const { store, put, save, clock, typesOf } = setUp();
    const stored = await put(planner, { state: 'stored' });
    await clock.advance(1_000);
    const saved = await save({ state: 'saved', schema_version: 3 });
    expect(saved).toEqual({ checkpoint_id: expect.stringMatching(/^CP-/) as string, kind: 'memory' });
    expect(stored.kind).toBe('full');
    expect(typesOf()).toEqual(['checkpoint.written']);
    await clock.advance(2_000);
    expect(await store.getState(planner, clock.now())).toMatchObject({
      checkpoint_id: saved.checkpoint_id,
      state: 'saved',
      schema_version: 3,
      data_loss_seconds: 2,
      lost_checkpoints: 0,
      source: 'latest',
    });
    expect(await store.read(saved.checkpoint_id)).toMatchObject({ kind: 'memory', state: 'saved', sequence: 2 });
    expect(await store.list(planner)).toMatchObject([{ kind: 'memory' }, { checkpoint_id: stored.checkpoint_id }]);
    expect(await store.list()).toHaveLength(2);
    expect(await store.verify()).toMatchObject({ checked: 2, corrupted: [] });
  });

  it('gives way to the next one, in memory or stored, which counts on as if it had never been', async () => {
    const { store, put, save } = setUp();
    await put(planner, { state: 1 });
    const first = await save({ state: 2 });
    const second = await save({ state: 3 });
    await expect(store.read(first.checkpoint_id)).rejects.toMatchObject({ code: 'CHECKPOINT_NOT_FOUND' });
    expect(await store.list()).toHaveLength(2);
    const { checkpoint_id: id } = await put(planner, { state: 4 });
    await expect(store.read(second.checkpoint_id)).rejects.toMatchObject({ code: 'CHECKPOINT_NOT_FOUND' });
    expect((await store.list()).map(({ sequence }) => sequence)).toEqual([2, 1]);
    expect(await store.getState(planner, null)).toMatchObject({ checkpoint_id: id, state: 4, lost_checkpoints: 0 });
  });

  it('is lost with the store, and nothing claims that it had been stored', async () => {
    const { store, put, save, file, clock } = setUp();
    const stored = await put(planner, { state: 'stored' });
    await save({ state: 'saved' });
    await save({ state: 'only here' }, 'memory', writer);
    await store.close();
    const next = setUp({ file, clock });
    await clock.advance(5_000);
    expect(await next.store.getState(planner, clock.now())).toMatchObject({
      checkpoint_id: stored.checkpoint_id,
      state: 'stored',
      data_loss_seconds: 5,
      lost_checkpoints: 0,
      source: 'latest',
    });
    expect(await next.store.getState(writer, clock.now())).toMatchObject({ checkpoint_id: null, state: null });
    expect(next.typesOf()).not.toContain('checkpoint.lost');
    expect((await next.store.list()).map(({ sequence }) => sequence)).toEqual([1]);
  });

  it('writes nothing', async () => {
    const { store, put, save, file } = setUp();
    await put(planner, { state: 1 });
    const before = [statSync(`${file}-wal`).size, statSync(`${file}.marks`).mtimeMs];
    for (let n = 0; n < 20; n++) await save({ state: noise(10_000) });
    expect([statSync(`${file}-wal`).size, statSync(`${file}.marks`).mtimeMs]).toEqual(before);
    await store.close();
  });

  it('is passed over while it is in doubt, and the stored one before it is used', async () => {
    const { store, put, save } = setUp();
    await put(planner, { state: 1 });
    const { checkpoint_id: id } = await save({ state: 2 });
    const doubted = new Set([id]);
    expect(await store.getState(planner, null, doubted)).toMatchObject({
      state: 1,
      lost_checkpoints: 0,
      source: 'previous',
    });
    expect(await store.getState(planner, null, none)).toMatchObject({ state: 2 });
  });

  it('needs "through" as any does, and what was journalled after it is replayed', async () => {
    const { store, put, save, journal, clock } = setUp();
    await journal(planner, 'a', 'b', 'c');
    await put(planner, { state: '', through: 0 });
    await expect(save({ state: 'a' })).rejects.toThrow('through: is required');
    await save({ state: 'a', through: 1 });
    expect(await store.getState(planner, clock.now())).toMatchObject({
      state: 'a',
      journal: [{ operation: 'b' }, { operation: 'c' }],
      through: 3,
      data_loss_seconds: 0,
    });
  });

  it('keeps the journal that it needs from being given up, and no journal goes for it', async () => {
    const { store, put, save, journal, clock } = setUp();
    await journal(planner, 'a', 'b', 'c', 'd');
    await put(planner, { state: 'ab', through: 2 });
    await save({ state: 'a', through: 1 });
    await clock.advance(60_000);
    await store.prune(new Map([[planner, policy(0, 1)]]));
    expect(await store.getState(planner, null)).toMatchObject({ state: 'a', journal: [{}, {}, {}], lost_entries: [] });
    await save({ state: 'abcd', through: 4 });
    await store.prune(new Map([[planner, policy(0, 1)]]));
    const [, stored] = await store.list(planner);
    expect(await store.read(stored?.checkpoint_id as CheckpointId)).toMatchObject({ journal_complete: true });
  });

  it('is what operations may go on from; the result is stored whole', async () => {
    const { store, put, save, patch } = setUp();
    await put(planner, { state: { n: 1 } });
    const { checkpoint_id: base } = await save({ state: { n: 2, text: noise(1_000) }, schema_version: 2 });
    const set = { op: 'replace', path: '/n', value: 3 };
    const stored = await patch(planner, base, set);
    expect(stored.kind).toBe('full');
    expect(await patch(planner, base, set)).toEqual(stored);
    expect(await store.getState(planner, null)).toMatchObject({ state: { n: 3 }, schema_version: 2 });
    expect((await store.list()).map(({ kind, sequence }) => [kind, sequence])).toEqual([
      ['full', 2],
      ['full', 1],
    ]);
    expect(await patch(planner, stored.checkpoint_id, { ...set, value: 4 })).toMatchObject({ kind: 'incremental' });
  });

  it('may be the first of all, and be gone on from', async () => {
    const { store, save, patch } = setUp();
    const { checkpoint_id: base } = await save({ state: [1] });
    await patch(planner, base, { op: 'add', path: '/-', value: 2 });
    expect(await store.list()).toMatchObject([{ kind: 'full', sequence: 1, parent: null }]);
    expect(await store.getState(planner, null)).toMatchObject({ state: [1, 2] });
  });

  it('makes the stored one before it one that operations do not go on from', async () => {
    const { put, save, patch } = setUp();
    const { checkpoint_id: base } = await put(planner, { state: [] });
    const { checkpoint_id: newest } = await save({ state: [1] });
    await expect(patch(planner, base, { op: 'add', path: '/-', value: 2 })).rejects.toMatchObject({
      code: 'CHECKPOINT_NOT_NEWEST',
      message: expect.stringContaining(newest) as string,
    });
  });

  it('is not gone on from once a newer one is stored, be it in the same moment', async () => {
    const { put, save, patch } = setUp();
    const { checkpoint_id: base } = await save({ state: [] });
    const [, patched] = await Promise.allSettled([
      put(planner, { state: [1] }),
      patch(planner, base, { op: 'add', path: '/-', value: 2 }),
    ]);
    expect(patched).toMatchObject({ status: 'rejected', reason: { code: 'CHECKPOINT_NOT_NEWEST' } });
  });

  it('keeps numbers that JavaScript cannot', async () => {
    const { store, save, patch } = setUp();
    const body = Buffer.from('{"state":{"id":12345678901234567890}}');
    const { checkpoint_id: base } = await store.putState(planner, body, 'interval', 'memory');
    await expect(patch(planner, base)).rejects.toMatchObject({ code: 'PATCH_REFUSED' });
    await save({ state: 1 });
  });

  it.each([
    ['small', 100],
    ['in chunks', 2 ** 20 + 1],
  ])('is stored under its id for whoever is to go back to it, and outlives the next: %s', async (_, length) => {
    const { store, put, save, journal, clock, events, file } = setUp();
    await put(planner, { state: 'stored' });
    await journal(planner, 'a', 'b');
    const state = noise(length);
    const { checkpoint_id: id } = await save({ state, schema_version: 2, through: 1 });
    const [before] = await store.list(planner);
    await clock.advance(1_000);
    await store.storeHeld(planner);
    await store.storeHeld(planner);
    await store.storeHeld(writer);
    expect(events.filter(({ type }) => type === 'checkpoint.written')).toMatchObject([
      {},
      { component: planner, checkpoint: id, capturedAt: before?.at },
    ]);
    const known = { checkpoint_id: id, kind: 'full', sequence: 2, at: before?.at, schema_version: 2, through: 1 };
    expect(await store.list(planner)).toMatchObject([known, { sequence: 1 }]);
    const { checkpoint_id: next } = await save({ state: 'next', through: 2 });
    const back = { endedAt: null, journal: true };
    expect(await store.getStateAt(planner, id, back)).toMatchObject({ state, journal: [{ operation: 'b' }] });
    expect(await store.getState(planner, null)).toMatchObject({ checkpoint_id: next, lost_checkpoints: 0 });
    await store.close();
    const { store: later } = setUp({ file, clock });
    expect(await later.getState(planner, null)).toMatchObject({ checkpoint_id: id, state, lost_checkpoints: 0 });
    expect(await later.verify()).toMatchObject({ checked: 2, corrupted: [] });
  });

  it('is stored when there is no room for it in memory', async () => {
    const { store, save, typesOf } = setUp();
    const kinds: string[] = [];
    for (let n = 0; n < 4; n++) {
      const component = componentName(`c${n}`);
      kinds.push((await save({ state: noise(15_000_000) }, 'memory', component)).kind);
    }
    expect(kinds).toEqual(['memory', 'memory', 'full', 'full']);
    expect(typesOf()).toEqual(['checkpoint.written', 'checkpoint.written']);
    expect((await store.list()).map(({ kind }) => kind)).toEqual(['memory', 'memory', 'full', 'full']);
  });
});

describe('a checkpoint that is to be whole', () => {
  it('is stored as it is, although it differs little from the one before', async () => {
    const { store, put, save } = setUp();
    const text = noise(20_000);
    await put(planner, { state: { text, n: 1 } });
    expect(await put(planner, { state: { text, n: 2 } })).toMatchObject({ kind: 'incremental' });
    expect(await save({ state: { text, n: 3 } }, 'full')).toMatchObject({ kind: 'full' });
    expect((await store.list()).map(({ kind }) => kind)).toEqual(['full', 'incremental', 'full']);
  });
});

describe('the memory of checkpoints', () => {
  const held = (component: string, bytes: number) =>
    ({ info: { component }, bytes: Buffer.alloc(bytes) }) as unknown as Parameters<
      ReturnType<typeof createHeldStates>['keep']
    >[0];

  it('is bounded in bytes and components, and a component takes the place of its own', () => {
    const states = createHeldStates({ mostBytes: 100, mostComponents: 2 });
    expect(states.keep(held('a', 60))).toBe(true);
    expect(states.keep(held('b', 50))).toBe(false);
    expect(states.keep(held('b', 40))).toBe(true);
    expect(states.keep(held('a', 61))).toBe(false);
    expect(states.get('a' as ComponentName)?.bytes).toHaveLength(60);
    expect(states.keep(held('a', 10))).toBe(true);
    expect(states.keep(held('c', 10))).toBe(false);
    states.drop('b' as ComponentName);
    expect(states.keep(held('c', 90))).toBe(true);
    expect([...states.all()]).toHaveLength(2);
  });
});

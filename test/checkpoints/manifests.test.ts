import { describe, expect, it } from 'vitest';
import type { CheckpointId } from '../../src/model/index.ts';
import { open, planner, policy, tamper, writer } from './stores.ts';

const DAY_MS = 86_400_000;

/** A store in which two components have saved something, together. */
async function together() {
  const house = open();
  const { checkpoint_id: first } = await house.put(planner, { state: 'old' });
  await house.journal(writer, 'a', 'b');
  const { checkpoint_id: second } = await house.put(writer, { state: 1, through: 2 });
  const manifest = await house.store.writeManifest([second, first], 'manual');
  const damage = async () => (await house.store.manifest(manifest.manifest_id)).why;
  return { ...house, first, second, manifest, damage };
}

describe('a manifest', () => {
  it('names checkpoints of several components, over the life of the store', async () => {
    const { store, manifest, first, second, file, clock } = await together();
    const parts = [
      { component: planner, checkpoint_id: first, through: null },
      { component: writer, checkpoint_id: second, through: 2 },
    ];
    const expected = { at: clock.now(), trigger: 'manual', parts, valid: true, why: null };
    expect(manifest).toEqual({ ...expected, manifest_id: expect.stringMatching(/^MAN-\d{8}-\d{6}-[0-9A-F]{8}$/) });
    await store.close();
    const later = open({ file }).store;
    expect(await later.manifests()).toEqual([manifest]);
    expect(await later.verify()).toMatchObject({ corrupted: [], manifests: { checked: 1, corrupted: [] } });
  });

  it('that is not there is said', async () => {
    const { store } = await together();
    await expect(store.manifest('MAN-1' as never)).rejects.toMatchObject({ code: 'CHECKPOINT_NOT_FOUND' });
  });

  it('is not written for what is gone or damaged, and nothing of it stays', async () => {
    const { store, first, second, file } = await together();
    const write = (...ids: string[]) => store.writeManifest(ids as CheckpointId[], 'manual');
    await expect(write(first, 'CP-gone')).rejects.toMatchObject({ code: 'CHECKPOINT_NOT_FOUND' });
    tamper(file, `UPDATE checkpoint SET state = x'00' WHERE id = ?`, second);
    await store.verify();
    await expect(write(first, second)).rejects.toMatchObject({ code: 'CHECKPOINT_CORRUPTED' });
    expect(await store.manifests()).toHaveLength(1);
  });

  it.each([
    ['UPDATE manifest SET at = at + 1'],
    [`UPDATE manifest SET "trigger" = 'alert'`],
    [`UPDATE manifest SET sha256 = 'x'`],
    [`UPDATE manifest_part SET through = 1 WHERE through = 2`],
    [`UPDATE manifest_part SET chain = 'x' WHERE component = 'writer'`],
    [`UPDATE manifest_part SET component = 'other' WHERE component = 'writer'`],
    [`DELETE FROM manifest_part WHERE component = 'writer'`],
  ])('shows every change of it: %s', async (sql) => {
    const { store, file, damage } = await together();
    tamper(file, sql);
    expect(await damage()).toBe('it does not match its checksum');
    const { manifests, corrupted } = await store.verify();
    expect([manifests.checked, manifests.corrupted.length, corrupted.length]).toEqual([1, 1, 0]);
  });

  it('is no good without all of its checkpoints', async () => {
    const { store, file, first, second, damage } = await together();
    tamper(file, `UPDATE checkpoint SET state = x'00' WHERE id = ?`, first);
    await store.verify();
    expect(await damage()).toBe(`its checkpoint ${first} of "planner" is damaged`);
    tamper(file, 'DELETE FROM quarantine');
    tamper(file, `DELETE FROM checkpoint WHERE id = ?`, second);
    expect(await damage()).toBe(`its checkpoint ${second} of "writer" is gone`);
  });

  it('keeps its checkpoints, and what they build on, for seven days', async () => {
    const { store, clock, put, patch, first, manifest } = await together();
    const { checkpoint_id: patched } = await patch(planner, first, { op: 'replace', path: '', value: 'new' });
    const again = await store.writeManifest([patched], 'manual');
    const prune = () => store.prune(new Map([planner, writer].map((name) => [name, policy(0, 1)])));
    await clock.advance(6 * DAY_MS);
    await put(planner, { state: 'newest' });
    await put(writer, { state: 9, through: 2 });
    await prune();
    for (const { manifest_id: id } of [manifest, again])
      expect(await store.manifest(id)).toMatchObject({ valid: true });
    expect((await store.read(patched)).state).toBe('new');
    await clock.advance(DAY_MS + 1);
    await prune();
    expect(await store.manifests()).toEqual([]);
    expect(await store.list()).toHaveLength(2);
  });

  it('is one of ten at most', async () => {
    const { store, first, manifest } = await together();
    for (let count = 0; count < 10; count++) await store.writeManifest([first], 'manual');
    await store.prune(new Map());
    const kept = await store.manifests();
    expect(kept).toHaveLength(10);
    expect(kept).not.toContainEqual(manifest);
  });
});

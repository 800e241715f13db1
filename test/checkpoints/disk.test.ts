import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseDocument, toDocument } from '../../src/checkpoints/checkpoint-document.ts';
import { createCipher, keyIdOf, plainText } from '../../src/checkpoints/cipher.ts';
import { canonicalJson, sha256 } from '../../src/digest.ts';
import { componentName, epochMs, type CheckpointId, type ComponentName } from '../../src/model/index.ts';
import { json, noise, open, planner, policy, tamper, writer } from './stores.ts';

/** A store, its folder of files, and how states are saved as files. */
function setUp(options: Parameters<typeof open>[0] = {}) {
  const house = open(options);
  const folder = join(dirname(house.file), 'checkpoints');
  const save = (body: object | Buffer, component: ComponentName = planner) =>
    house.store.putState(component, Buffer.isBuffer(body) ? body : json(body), 'manual', 'disk');
  const fileOf = (id: string, component = planner) => join(folder, component, `${id}.json`);
  return { ...house, folder, save, fileOf };
}

const set = (path: string, value: unknown) => ({ op: 'replace', path, value });

describe('a checkpoint on disk', () => {
  it('is one in state.db, and a file for its user only that people read', async () => {
    const { store, save, folder, fileOf, journal, clock } = setUp();
    await journal(planner, 'a');
    const saved = await save({ state: { n: 1, ids: ['x'] }, schema_version: 3, through: 1 });
    const { checkpoint_id: id } = saved;
    expect(saved).toEqual({ checkpoint_id: id, kind: 'disk', file: fileOf(id) });
    expect(await store.getState(planner, null)).toMatchObject({ checkpoint_id: id, state: { n: 1 } });
    expect(await store.list()).toMatchObject([{ kind: 'disk', checkpoint_id: id }]);

    const text = readFileSync(fileOf(id), 'utf8');
    expect(JSON.parse(text)).toEqual({
      paramedic_checkpoint: 1,
      checkpoint_id: id,
      component: 'planner',
      at: new Date(clock.now()).toISOString(),
      trigger: 'manual',
      schema_version: 3,
      through: 1,
      sha256: sha256('{"n":1,"ids":["x"]}'),
      seal: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      state: { n: 1, ids: ['x'] },
    });
    expect([fileOf(id), folder, dirname(fileOf(id))].map((path) => statSync(path).mode & 0o777)).toEqual([
      0o600, 0o700, 0o700,
    ]);
    expect(readdirSync(dirname(fileOf(id)))).toEqual([`${id}.json`]);
  });

  it('holds the state as it was sent', async () => {
    const { store, save, fileOf } = setUp();
    const { checkpoint_id: id } = await save(Buffer.from('{"state":{"id": 12345678901234567890,\n "n" :1.0}}'));
    expect(readFileSync(fileOf(id), 'utf8')).toContain('  "state": {"id": 12345678901234567890,\n "n" :1.0}\n}\n');
    expect(await store.verify()).toMatchObject({ corrupted: [], files: [] });
  });

  it('is what later ones build on, and goes with its record', async () => {
    const { store, put, patch, save, fileOf, clock } = setUp();
    const text = noise(20_000);
    await put(planner, { state: { text, n: 0 } });
    const { checkpoint_id: id } = await save({ state: { text, n: 1 } });
    await clock.advance(1_000);
    const { checkpoint_id: next } = await put(planner, { state: { text, n: 2 } });
    await patch(planner, next, set('/n', 3));
    expect((await store.list()).map(({ kind }) => kind)).toEqual(['incremental', 'incremental', 'disk', 'full']);
    await clock.advance(1_000);
    expect(await store.prune(new Map([[planner, policy(0, 1)]]))).toBe(1);
    expect(existsSync(fileOf(id))).toBe(true);
    expect(await store.getState(planner, null)).toMatchObject({ state: { n: 3 } });
    await put(planner, { state: 'another' });
    await clock.advance(1_000);
    expect(await store.prune(new Map([[planner, policy(0, 1)]]))).toBe(3);
    expect(existsSync(fileOf(id))).toBe(false);
  });

  it('may be large', async () => {
    const { store, save } = setUp();
    const { checkpoint_id: id } = await save({ state: noise(3_000_000) });
    expect((await store.read(id)).encoding).toBe('chunks');
    expect(await store.verify()).toMatchObject({ corrupted: [], files: [] });
  });

  it('is not stored when its file cannot be written, and the store goes on', async () => {
    const { store, put, save, folder, patch } = setUp();
    await put(planner, { state: [1] });
    writeFileSync(folder, 'in the way');
    await expect(save({ state: 2 })).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining(folder) as string,
    });
    const [newest] = await store.list();
    expect(await store.list()).toHaveLength(1);
    await patch(planner, newest?.checkpoint_id ?? '', { op: 'add', path: '/-', value: 2 });
    rmSync(folder);
    await save({ state: 3 });
    expect(await store.getState(planner, null)).toMatchObject({ state: 3, lost_checkpoints: 0 });
  });

  it('takes away what a daemon had half written when it was killed', async () => {
    const { save, folder } = setUp();
    mkdirSync(join(folder, 'planner'), { recursive: true });
    writeFileSync(join(folder, 'planner', 'CP-1.json.new'), 'half');
    writeFileSync(join(folder, 'planner', 'mine.json'), 'of a person');
    const { checkpoint_id: id } = await save({ state: 1 });
    expect(readdirSync(join(folder, 'planner')).toSorted()).toEqual([`${id}.json`, 'mine.json']);
  });

  it('leaves no file behind when its transaction fails', async () => {
    const { file, store, put, save, folder } = setUp();
    await put(planner, { state: 1 });
    tamper(file, `CREATE TRIGGER full BEFORE INSERT ON checkpoint BEGIN SELECT raise(FAIL, 'disk full'); END`);
    await expect(save({ state: 2 })).rejects.toMatchObject({ code: 'STORE_FAILED' });
    expect(readdirSync(join(folder, 'planner'))).toEqual([]);
    tamper(file, 'DROP TRIGGER full');
    const { checkpoint_id: id } = await save({ state: 3 });
    expect(readdirSync(join(folder, 'planner'))).toEqual([`${id}.json`]);
    expect((await store.list()).map(({ sequence }) => sequence)).toEqual([2, 1]);
  });
});

describe('the file of a checkpoint', () => {
  it.each([
    ['is gone', 'ENOENT', (file: string) => rmSync(file)],
    ['is cut off', 'not all of one', (file: string) => writeFileSync(file, readFileSync(file).subarray(0, -9))],
    ['is empty', 'no checkpoint', (file: string) => writeFileSync(file, '')],
    [
      'has another state',
      'its state does not match its checksum',
      (file: string) => writeFileSync(file, readFileSync(file, 'utf8').replace('good', 'evil')),
    ],
    [
      'has another line',
      'its lines do not match its seal',
      (file: string) => writeFileSync(file, readFileSync(file, 'utf8').replace('"through": null', '"through": 7')),
    ],
  ])('that %s is found by verify, and its record is as good as before', async (_, why, damage) => {
    const { store, save, fileOf } = setUp();
    const { checkpoint_id: id } = await save({ state: 'good' });
    const { checkpoint_id: other } = await save({ state: 'other' });
    expect(await store.verify()).toMatchObject({ checked: 2, corrupted: [], files: [] });
    damage(fileOf(id));
    const { corrupted, files } = await store.verify();
    expect(corrupted).toEqual([]);
    expect(files).toMatchObject([{ checkpoint_id: id, file: fileOf(id), why: expect.stringContaining(why) as string }]);
    expect(await store.read(id)).toMatchObject({ state: 'good', valid: true });
    const { at, trigger } = await store.read(id);
    const header = { checkpoint_id: id, component: planner, at, trigger, schema_version: 1, through: null };
    writeFileSync(fileOf(id), toDocument(header, json('evil')));
    expect((await store.verify()).files).toMatchObject([{ checkpoint_id: id }]);
    renameSync(fileOf(other), fileOf(id));
    const swapped = (await store.verify()).files.map(({ why: each }) => each);
    expect(swapped).toContainEqual(expect.stringContaining('another checkpoint'));
  });

  it('is given when its record is damaged, to who asks for it by name', async () => {
    const { file, store, put, save, typesOf } = setUp();
    await put(planner, { state: 'before' });
    const { checkpoint_id: id } = await save({ state: 'good' });
    tamper(file, `UPDATE checkpoint SET state = x'00' WHERE id = ?`, id);
    expect(await store.getStateAt(planner, id, { endedAt: null, journal: true })).toMatchObject({
      checkpoint_id: id,
      state: 'good',
    });
    expect(typesOf().filter((type) => type === 'checkpoint.corrupted')).toHaveLength(1);
    expect(await store.read(id)).toMatchObject({ state: 'good', valid: false });
    expect(await store.getState(planner, null)).toMatchObject({ state: 'before', lost_checkpoints: 1 });
  });
});

describe('a file that state.db knows nothing of', () => {
  /** One of another store, as a person would have put it there. */
  async function lost(state: unknown, body: object = {}) {
    const before = setUp();
    await before.journal(planner, 'a', 'b');
    const { checkpoint_id: id } = await before.save({ state, through: 2, ...body });
    await before.journal(planner, 'c');
    await before.store.close();
    const house = setUp();
    mkdirSync(join(house.folder, 'planner'), { recursive: true });
    renameSync(before.fileOf(id), house.fileOf(id));
    const goBack = (leaving = false) =>
      house.store.resume.from([{ component: planner, checkpoint_id: id, journal: true }], leaving);
    return { ...house, id, goBack };
  }

  it('is shown, and brought back as the newest: saved and journalled is after it', async () => {
    const { store, id, clock, put, journal, fileOf, typesOf, goBack } = await lost({ n: 1 }, { schema_version: 2 });
    await put(planner, { state: 'begun anew' });
    expect(await store.read(id)).toMatchObject({ component: 'planner', state: { n: 1 }, journal_complete: false });
    expect(await store.list()).toHaveLength(1);
    await clock.advance(60_000);
    await goBack();
    expect(await store.getState(planner, clock.now())).toMatchObject({
      checkpoint_id: id,
      state: { n: 1 },
      schema_version: 2,
      journal: [],
      through: null,
      data_loss_seconds: 60,
      lost_checkpoints: 0,
    });
    expect(await store.list()).toMatchObject([{ checkpoint_id: id, kind: 'disk', sequence: 2 }, { sequence: 1 }]);
    await goBack();
    expect(await store.getState(planner, null)).toMatchObject({ state: { n: 1 } });
    expect(await store.list()).toHaveLength(2);
    expect(await journal(planner, 'd')).toEqual([1]);
    expect(await store.getState(planner, null)).toMatchObject({ state: { n: 1 }, journal: [{ operation: 'd' }] });
    await put(planner, { state: 'next', through: 1 });
    expect(await store.verify()).toMatchObject({ checked: 3, corrupted: [], files: [] });
    expect(existsSync(fileOf(id))).toBe(true);
    expect(typesOf()).not.toContain('checkpoint.lost');
  });

  it('is listed apart, by its name alone', async () => {
    const { store, id, fileOf, save, folder } = await lost('saved');
    await save({ state: 'known', through: 0 });
    writeFileSync(join(folder, 'planner', 'notes.txt'), 'x');
    writeFileSync(`${fileOf(id)}.new`, 'x');
    writeFileSync(join(folder, 'loose.json'), 'x');
    writeFileSync(fileOf(id), 'damaged');
    const stray = [{ checkpoint_id: id, component: planner, file: fileOf(id), size_bytes: 7 }];
    expect(await store.strayFiles()).toEqual(stray);
    expect(await store.strayFiles(planner)).toEqual(stray);
    for (const other of [writer, componentName('..')]) expect(await store.strayFiles(other)).toEqual([]);
    expect(await setUp().store.strayFiles()).toEqual([]);
  });

  it('comes after all that was journalled since', async () => {
    const { store, journal, put, clock, goBack } = await lost('saved');
    await journal(planner, 'x', 'y', 'z');
    await clock.advance(9_000);
    await goBack();
    expect(await store.getState(planner, clock.now())).toMatchObject({
      state: 'saved',
      journal: [],
      through: 3,
      data_loss_seconds: 9,
    });
    await put(planner, { state: 'next', through: 3 });
  });

  it('outlives the daemon that brought it back', async () => {
    const { store, id, file, goBack } = await lost('saved');
    await goBack();
    await store.close();
    const next = setUp({ file });
    expect(await next.store.getState(planner, null)).toMatchObject({ checkpoint_id: id, state: 'saved' });
    expect(next.typesOf()).not.toContain('checkpoint.lost');
    await next.put(planner, { state: 'next', through: null });
    await next.store.close();
    tamper(file, 'DELETE FROM checkpoint');
    const last = setUp({ file });
    await last.store.list();
    expect(last.events).toMatchObject([{ type: 'checkpoint.lost', sequences: [1, 2] }]);
  });

  it('is a file only again when nothing comes of the recovery', async () => {
    const { store, id, file, fileOf, goBack, put, clock } = await lost('saved');
    const { checkpoint_id: newest } = await put(planner, { state: 'newest' });
    await goBack(true);
    await store.resume.drop(planner);
    const asBefore = { checkpoint_id: newest, state: 'newest', lost_checkpoints: 0, source: 'latest' };
    expect(await store.getState(planner, clock.now())).toMatchObject(asBefore);
    expect(await store.list()).toMatchObject([{ checkpoint_id: newest }]);
    expect(await store.strayFiles()).toMatchObject([{ checkpoint_id: id, file: fileOf(id) }]);

    const wrong = { component: writer, checkpoint_id: newest, journal: true };
    const both = [{ component: planner, checkpoint_id: id, journal: true }, wrong];
    await expect(store.resume.from(both, true)).rejects.toMatchObject({ code: 'CHECKPOINT_NOT_FOUND' });
    expect(await store.getState(planner, clock.now())).toMatchObject(asBefore);
    await store.close();

    const next = setUp({ file });
    expect(await next.store.getState(planner, null)).toMatchObject(asBefore);
    expect(next.typesOf()).not.toContain('checkpoint.lost');
  });

  it('stays where something was saved on it, and where it was brought back before', async () => {
    const { store, id, goBack, put, clock } = await lost('saved');
    await goBack(true);
    await put(planner, { state: 'meanwhile' });
    await store.resume.drop(planner);
    expect(await store.getState(planner, clock.now())).toMatchObject({ state: 'meanwhile' });
    expect(await store.list()).toHaveLength(2);
    await goBack();
    await store.resume.from([{ component: planner, checkpoint_id: null, journal: true }], true);
    await store.resume.drop(planner);
    expect(await store.getState(planner, clock.now())).toMatchObject({ checkpoint_id: id, state: 'saved' });
  });

  it('is refused when it is damaged, another one, or of another component', async () => {
    const { store, id, fileOf, folder } = await lost('saved');
    const ask = (component: ComponentName, which: string) =>
      store.getStateAt(component, which as CheckpointId, { endedAt: null, journal: true });
    await expect(ask(writer, id)).rejects.toMatchObject({ code: 'CHECKPOINT_NOT_FOUND' });
    const other = 'CP-20260101-000000-00000000';
    writeFileSync(fileOf(other), readFileSync(fileOf(id)));
    await expect(ask(planner, other)).rejects.toMatchObject({ code: 'CHECKPOINT_CORRUPTED' });
    await expect(store.read(other as CheckpointId)).rejects.toThrow('is the file of another checkpoint');
    writeFileSync(fileOf(id), readFileSync(fileOf(id), 'utf8').replace('saved', 'SAVED'));
    await expect(ask(planner, id)).rejects.toThrow('its state does not match its checksum');
    writeFileSync(join(folder, 'secret.json'), '{}');
    for (const wrong of ['../secret', 'CP-../../secret', 'CP-20260101-000000-11111111', ''])
      await expect(ask(planner, wrong)).rejects.toMatchObject({ code: 'CHECKPOINT_NOT_FOUND' });
    expect(await store.list()).toEqual([]);
  });
});

describe('the file of a checkpoint, with a key', () => {
  it('holds the state encrypted, for who has the key and for no other checkpoint', async () => {
    const [key, other] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
    const { store, save, fileOf } = setUp({ keys: [key] });
    const { checkpoint_id: id } = await save({ state: 'a word of mine' });
    const text = readFileSync(fileOf(id), 'utf8');
    expect(text).not.toContain('a word of mine');
    expect(JSON.parse(text)).toMatchObject({
      checkpoint_id: id,
      key_id: keyIdOf(key),
      state: expect.any(String) as string,
    });
    expect(await store.verify()).toMatchObject({ checked: 1, corrupted: [], files: [] });

    const found = (keys: readonly Uint8Array[]) => {
      const house = setUp({ keys });
      mkdirSync(join(house.folder, 'planner'), { recursive: true });
      writeFileSync(house.fileOf(id), text);
      return house.store.getStateAt(planner, id, { endedAt: null, journal: true });
    };
    expect(await found([key])).toMatchObject({ state: 'a word of mine' });
    expect(await found([other, key])).toMatchObject({ state: 'a word of mine' });
    await expect(found([other])).rejects.toThrow(`encrypted with the key ${keyIdOf(key)}, which is not configured`);
    await expect(found([])).rejects.toThrow('which is not configured');

    const { checkpoint_id: next } = await save({ state: 'another' });
    const cipher = createCipher([key]);
    const header = parseDocument(readFileSync(fileOf(next)), cipher);
    const { state: _, ...lines } = JSON.parse(readFileSync(fileOf(next), 'utf8')) as Record<string, string>;
    const body = `"${(JSON.parse(text) as { state: string }).state}"`;
    const moved = { ...lines, sha256: sha256(body) };
    const { seal: __, ...sealed } = moved as Record<string, unknown>;
    const head = JSON.stringify({ ...sealed, seal: sha256(canonicalJson(sealed)) }, null, 2).replace(/\n\}$/, '');
    expect(header.state.toString()).toBe('"another"');
    expect(() => parseDocument(Buffer.from(`${head},\n  "state": ${body}\n}\n`), cipher)).toThrow(
      'were encrypted with',
    );
  });
});

describe('the document of a checkpoint', () => {
  const header = {
    checkpoint_id: 'CP-1' as CheckpointId,
    component: planner,
    at: epochMs(1_764_000_000_123),
    trigger: 'alert' as const,
    schema_version: 1,
    through: null,
  };

  it.each(['null', '"\\n  \\"state\\": "', '{\n"state": 1\n}\n', '"ü€"'])('comes back as it was: %j', (state) => {
    expect(parseDocument(toDocument(header, Buffer.from(state)))).toEqual({
      ...header,
      sha256: sha256(state),
      key_id: null,
      state: Buffer.from(state),
    });
  });

  it.each([
    ['plain', plainText],
    ['encrypted', createCipher([Buffer.alloc(32, 1)])],
  ])('shows each bit that has flipped, %s', (_, cipher) => {
    const document = toDocument(header, Buffer.from('{"a":[1,"x"]}'), cipher);
    for (let bit = 0; bit < document.length * 8; bit++) {
      const flipped = Buffer.from(document);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => parseDocument(flipped, cipher), `bit ${bit}`).toThrow(/^it/);
    }
  });
});

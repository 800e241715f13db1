import { copyFileSync, existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { openDatabase, openOrSetAside, quickCheck } from '../../src/storage/open.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { tempFolder } from '../support/temp.ts';
import { decided, open, record } from './facts.ts';

const one = ['CREATE TABLE a (x)'];

describe('a database', () => {
  it.each([
    { pragma: 'journal_mode', is: 'wal' },
    { pragma: 'synchronous', is: 2 },
    { pragma: 'foreign_keys', is: 1 },
    { pragma: 'auto_vacuum', is: 2 },
    { pragma: 'wal_autocheckpoint', is: 0 },
    { pragma: 'busy_timeout', is: 0 },
    { pragma: 'user_version', is: 1 },
  ])('is opened with $pragma = $is', ({ pragma, is }) => {
    const db = openDatabase(join(tempFolder(), 'x.db'), { synchronous: 'FULL', migrations: one });
    expect(db.pragma(pragma, { simple: true })).toBe(is);
    expect(quickCheck(db)).toBe('ok');
    db.close();
  });

  it('runs each migration once, and a bad one not at all', () => {
    const file = join(tempFolder(), 'x.db');
    openDatabase(file, { synchronous: 'NORMAL', migrations: one }).close();
    const bad = [...one, 'CREATE TABLE b (x); INSERT INTO nowhere VALUES (1)'];
    expect(() => openDatabase(file, { synchronous: 'NORMAL', migrations: bad })).toThrow('nowhere');
    const db = openDatabase(file, { synchronous: 'NORMAL', migrations: [...one, 'CREATE TABLE b (y)'] });
    expect(db.pragma('user_version', { simple: true })).toBe(2);
    expect(() => db.exec('SELECT y FROM b')).not.toThrow();
    db.close();
  });

  it('written by a newer version is left alone', () => {
    const file = join(tempFolder(), 'x.db');
    openDatabase(file, { synchronous: 'NORMAL', migrations: [...one, 'SELECT 1'] }).close();
    const options = { synchronous: 'NORMAL', migrations: one, clock: new FakeClock() } as const;
    expect(() => openOrSetAside(file, options, () => 0)).toThrow('a newer version has written it (schema 2');
    expect(existsSync(file)).toBe(true);
  });
});

describe('a damaged events.db', () => {
  const stored = () => {
    const file = join(tempFolder(), 'events.db');
    const { store } = open(file);
    for (let i = 0; i < 100; i++) store.append([decided()], [record()]);
    store.close();
    return file;
  };
  const page = (file: string, number: number, bytes: Buffer) => {
    const content = readFileSync(file);
    bytes.copy(content, (number - 1) * 4_096);
    writeFileSync(file, content);
  };

  it.each([
    { damage: 'is no database', hurt: (file: string) => writeFileSync(file, 'x'.repeat(5_000)) },
    { damage: 'has lost its end', hurt: (file: string) => truncateSync(file, 4_096) },
    { damage: 'has a page of noise', hurt: (file: string) => page(file, 3, Buffer.alloc(4_096, 0xa5)) },
    { damage: 'has zeroes for a schema', hurt: (file: string) => page(file, 1, Buffer.alloc(2_048)) },
  ])('that $damage is set aside, and a new one begun', ({ hurt }) => {
    const file = stored();
    hurt(file);
    const damaged = readFileSync(file);
    const { store, setAside } = open(file, new FakeClock());
    expect(setAside?.movedTo).toBe(`${file}.corrupt-20261123T120000Z`);
    expect(setAside?.why).toMatch(/malformed|not a database|no such table/);
    expect(readFileSync(setAside!.movedTo).equals(damaged)).toBe(true);
    expect(store.append([decided()], [])).toEqual([1]);
    store.close();
  });

  it('keeps what was only in its WAL', () => {
    const file = stored();
    const { store } = open(file, new FakeClock());
    store.append([decided()], []);
    for (const suffix of ['', '-wal']) copyFileSync(file + suffix, `${file}.killed${suffix}`);
    store.close();
    page(`${file}.killed`, 3, Buffer.alloc(4_096, 0xa5));
    const again = open(`${file}.killed`, new FakeClock());
    again.store.close();
    const aside = new Sqlite(again.setAside!.movedTo, { readonly: true });
    expect(aside.prepare('SELECT reserved FROM sequence').pluck().get()).toBe(20_102);
    aside.close();
  });

  it('does not overwrite the one set aside in the same second', () => {
    const file = stored();
    for (let i = 0; i < 2; i++) {
      writeFileSync(file, 'x'.repeat(5_000));
      open(file, new FakeClock()).store.close();
    }
    expect(readdirSync(join(file, '..')).filter((name) => name.includes('corrupt'))).toHaveLength(2);
  });
});

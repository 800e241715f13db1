import { statSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { epochMs, type RecoveryEvent } from '../../src/model/index.ts';
import { LARGEST_BUFFER } from '../../src/storage/event-buffer.ts';
import { eventMigrations } from '../../src/storage/migrations/events.ts';
import { samples } from '../telemetry/events.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { tempFolder } from '../support/temp.ts';
import { crashed, decided, incident, observed, open, passing, planner, record, reported, writer } from './facts.ts';

/** What another process would find in the file now: what survives a SIGKILL. */
function onDisk(file: string): { seqs: number[]; records: number } {
  const db = new Sqlite(file, { readonly: true });
  const seqs = db.prepare<[], number>('SELECT seq FROM event ORDER BY seq').pluck().all();
  const records = Number(db.prepare('SELECT count(*) FROM component').pluck().get());
  db.close();
  return { seqs, records };
}

const typesOf = (found: { event: RecoveryEvent }[]) => found.map(({ event }) => event.type);

describe('the event store', () => {
  it('has a decision on disk before it returns, with what was waiting and the records, in order', () => {
    const file = join(tempFolder(), 'events.db');
    const { store } = open(file, new FakeClock());
    expect(store.append([observed()], [])).toEqual([1]);
    expect(onDisk(file).seqs).toEqual([]);
    expect(store.append([decided(), passing, observed()], [record()])).toEqual([2, null, 3]);
    expect(onDisk(file)).toEqual({ seqs: [1, 2, 3], records: 1 });
    store.close();
  });

  it('tells of no WAL that could not be begun anew: whatever stands in the way, the next write meets it', () => {
    const { store, db, errors } = open(join(tempFolder(), 'events.db'), new FakeClock());
    store.append([decided()], []);
    db.pragma('query_only = ON');
    store.renewWal();
    db.pragma('query_only = OFF');
    store.append([decided()], []);
    store.close();
    store.renewWal();
    expect(errors).toEqual([]);
  });

  it('has an observation and the records beside it on disk within 100 ms', async () => {
    const file = join(tempFolder(), 'events.db');
    const clock = new FakeClock();
    const { store } = open(file, clock);
    store.append([observed()], [record(planner, 1)]);
    await clock.advance(99);
    expect(onDisk(file)).toEqual({ seqs: [], records: 0 });
    await clock.advance(1);
    expect(onDisk(file)).toEqual({ seqs: [1], records: 1 });
    expect(clock.pending).toBe(0);
    store.close();
  });

  it('tells of waiting events and records as of stored ones', () => {
    const { store } = open(join(tempFolder(), 'events.db'), new FakeClock());
    store.append([decided()], [record(planner, 1)]);
    store.append([observed()], [record(planner, 2), record(writer, 7)]);
    expect(store.after(0, 10).map(({ seq, event }) => [seq, event.type])).toEqual([
      [1, 'component.held'],
      [2, 'component.health_changed'],
    ]);
    expect(store.after(1, 10)).toHaveLength(1);
    expect(typesOf(store.after(0, 1))).toEqual(['component.held']);
    expect(store.records().map(({ component, crashes }) => [component, crashes])).toEqual([
      ['planner', 2],
      ['writer', 7],
    ]);
    expect(store.lastSeq()).toBe(2);
    store.close();
  });

  it('forgets the record of a component that was removed', () => {
    const { store } = open(join(tempFolder(), 'events.db'), new FakeClock());
    store.append([decided()], [record(planner), record(writer)]);
    store.append([observed()], [record(planner, 3)]);
    store.append([{ type: 'component.removed', at: epochMs(1), component: planner }], []);
    expect(store.records().map(({ component }) => component)).toEqual(['writer']);
    store.close();
  });

  it('lists crashes newest first with their reports, waiting ones too', () => {
    const { store } = open(join(tempFolder(), 'events.db'), new FakeClock());
    store.append([crashed('C1'), reported('C1'), crashed('C2', writer), crashed('C3')], []);
    store.append([reported('C3')], []);
    const found = store.crashes({ limit: 10 }).map(({ event, report }) => [event.crash, report]);
    expect(found).toEqual([
      ['C3', '/crashes/C3.json'],
      ['C2', null],
      ['C1', '/crashes/C1.json'],
    ]);
    expect(store.crashes({ component: writer, limit: 10 }).map(({ event }) => event.crash)).toEqual(['C2']);
    expect(store.crashes({ limit: 1 })).toHaveLength(1);
    store.close();
  });

  it('tells the newest ones, whatever gaps their numbers have', () => {
    const file = join(tempFolder(), 'events.db');
    const killed = open(file, new FakeClock());
    killed.store.append([decided(), decided()], []);
    killed.db.close();
    const { store } = open(file, new FakeClock());
    const [third] = store.append([decided()], []);
    const [fourth] = store.append([observed()], []);
    expect(third).toBeGreaterThan(1_000);
    expect(store.newest(3).map(({ seq }) => seq)).toEqual([2, third, fourth]);
    expect(store.newest(1).map(({ seq }) => seq)).toEqual([fourth]);
    expect(store.newest(10)).toHaveLength(4);
    store.close();
  });

  it('finds the newest event of a type', () => {
    const { store } = open(join(tempFolder(), 'events.db'), new FakeClock());
    expect(store.lastOf('component.crashed')).toBeUndefined();
    store.append([crashed('C1'), crashed('C2', writer)], []);
    store.append([observed(planner, 'first'), observed(planner, 'second')], []);
    expect(store.lastOf('component.crashed')?.crash).toBe('C2');
    expect(store.lastOf('component.crashed', planner)?.crash).toBe('C1');
    expect(store.lastOf('component.health_changed', planner)?.why).toBe('second');
    expect(store.lastOf('component.health_changed', writer)).toBeUndefined();
    store.close();
  });

  it('counts on for ever: after a clean end, after pruning everything', () => {
    const file = join(tempFolder(), 'events.db');
    const first = open(file);
    expect(first.store.append([decided(), decided()], [])).toEqual([1, 2]);
    expect(first.store.prune(epochMs(Date.now() + 1e12), 100)).toBe(2);
    first.store.close();
    const second = open(file);
    expect(second.store.after(0, 10)).toEqual([]);
    expect(second.store.append([decided()], [])).toEqual([3]);
    second.store.close();
  });

  it('never uses a number again that was told and lost in a SIGKILL', () => {
    const file = join(tempFolder(), 'events.db');
    const killed = open(file, new FakeClock());
    killed.store.append([decided()], []);
    const [told] = killed.store.append([observed()], []);
    killed.db.close();
    const { store } = open(file, new FakeClock());
    expect(store.append([decided()], [])[0]).toBeGreaterThan(told!);
    store.close();
  });

  it('skips events of a type that only a newer version knows, and still fills the page', () => {
    const file = join(tempFolder(), 'events.db');
    const { store, db } = open(file, new FakeClock());
    store.append([decided(), decided(), decided()], []);
    db.exec(`UPDATE event SET body = '{"type":"component.reincarnated","at":1}' WHERE seq = 1`);
    db.exec(`UPDATE event SET body = '{"type":' WHERE seq = 2`);
    expect(store.after(0, 1).map(({ seq }) => seq)).toEqual([3]);
    store.close();
  });

  it('prunes from the old end only, a slice at a time', () => {
    const { store } = open(join(tempFolder(), 'events.db'), new FakeClock());
    store.append(
      [1, 2, 3, 4].map((at) => decided(planner, epochMs(at))),
      [],
    );
    expect(store.prune(epochMs(4), 2)).toBe(2);
    expect(store.prune(epochMs(4), 2)).toBe(1);
    expect(store.prune(epochMs(4), 2)).toBe(0);
    expect(store.after(0, 10).map(({ seq }) => seq)).toEqual([4]);
    store.close();
  });

  it('thins out what repeats, to the newest of each type and component, and keeps how an open incident began', () => {
    const { store } = open(join(tempFolder(), 'events.db'), new FakeClock());
    const [ongoing, over] = [incident('a'.repeat(32), 1), incident('b'.repeat(32), 1)];
    const resolved = { at: epochMs(2), by: 'itself' as const, resolution: '' };
    store.append([{ ...decided(), incident: ongoing.id }], [], [ongoing]);
    store.append([{ ...decided(), incident: over.id }], [], [{ ...over, resolved }]);
    for (let time = 3; time <= 8; time++) store.append([decided(planner, epochMs(time))], []);
    store.append([decided(writer), decided(writer)], []);
    expect(store.thin(2, 3)).toBe(3);
    expect(store.thin(2, 3)).toBe(2);
    expect(store.thin(2, 3)).toBe(0);
    expect(store.after(0, 100).map(({ seq }) => seq)).toEqual([1, 7, 8, 9, 10]);
    store.close();
  });

  it('keeps its WAL short while it is written all the time, whoever else moves it or not', () => {
    const file = join(tempFolder(), 'events.db');
    const { store } = open(file, new FakeClock());
    for (let round = 0; round < 1_500; round++) store.append([observed(planner, 'x'.repeat(20_000)), decided()], []);
    expect(statSync(`${file}-wal`).size).toBeLessThan(20 * 2 ** 20);
    expect(statSync(file).size).toBeGreaterThan(20 * 2 ** 20);
    store.close();
  });

  it('tells its size, with what is still in the WAL', () => {
    const { store } = open(join(tempFolder(), 'events.db'), new FakeClock());
    const before = store.sizeBytes();
    store.append([decided()], []);
    expect(store.sizeBytes()).toBeGreaterThan(before);
    store.close();
  });
});

describe('incidents', () => {
  it('are kept beside their events, found by the beginning of their id, and listed newest first', () => {
    const file = join(tempFolder(), 'events.db');
    const first = open(file);
    const [a, b] = [incident('a'.repeat(32), 1), incident(`ab${'0'.repeat(30)}`, 2, writer)];
    first.store.append([{ ...decided(), incident: a.id }, decided()], [], [a, b]);
    first.store.append([{ ...observed(), incident: a.id }], [], [{ ...a, repeats: 4 }]);
    first.store.close();
    const { store } = open(file);
    expect(store.incidents({ limit: 10 }).map(({ id, repeats }) => [id[1], repeats])).toEqual([
      ['b', 0],
      ['a', 4],
    ]);
    expect(store.incidents({ limit: 1 })).toEqual([b]);
    expect(store.incidents({ limit: 10, component: 'planner' }).map(({ id }) => id)).toEqual([a.id]);
    expect(store.incident('aa')?.id).toBe(a.id);
    expect(store.incident('a')).toBeUndefined();
    expect(store.incident('')).toBeUndefined();
    expect(store.timeline(a.id).map(({ seq, event }) => [seq, event.type])).toEqual([
      [1, 'component.held'],
      [3, 'component.health_changed'],
    ]);
    store.close();
  });

  it('that wait to be written are told of as those that are', () => {
    const { store } = open(join(tempFolder(), 'events.db'), new FakeClock());
    const a = incident('a'.repeat(32), 1);
    store.append([decided()], [], [a]);
    const over = { ...a, resolved: { at: epochMs(9), by: 'person', resolution: 'done' } } as const;
    store.append([{ ...observed(), incident: a.id }], [], [over, incident('b'.repeat(32), 2)]);
    expect(store.incidents({ limit: 10, state: 'open' }).map(({ id }) => id[0])).toEqual(['b']);
    expect(store.incidents({ limit: 10, state: 'resolved' })).toEqual([over]);
    expect(store.incident('a')?.resolved).not.toBeNull();
    expect(store.timeline(a.id)).toHaveLength(1);
    store.close();
  });

  it('that were resolved long ago go, open ones stay', () => {
    const { store } = open(join(tempFolder(), 'events.db'));
    const over = (id: string, at: number) => ({
      ...incident(id.repeat(32), 1),
      resolved: { at: epochMs(at), by: 'itself' as const, resolution: '' },
    });
    store.append([decided()], [], [over('a', 5), over('b', 50), incident('c'.repeat(32), 1)]);
    store.pruneIncidents(epochMs(50));
    expect(store.incidents({ limit: 10 }).map(({ id }) => id[0])).toEqual(['b', 'c']);
    store.close();
  });

  it('come to a database that an older version has made', () => {
    const file = join(tempFolder(), 'events.db');
    const old = new Sqlite(file);
    old.exec(eventMigrations[0] ?? '');
    old.pragma('user_version = 1');
    old.prepare('INSERT INTO event VALUES (1, 1, ?, ?, ?)').run('component.held', 'planner', JSON.stringify(decided()));
    old.close();
    const { store } = open(file);
    expect(store.after(0, 10)).toHaveLength(1);
    expect(store.incidents({ limit: 10 })).toEqual([]);
    store.close();
  });
});

describe('what somebody waits for', () => {
  it('is on disk after sync, and sync says so when it is not', () => {
    const file = join(tempFolder(), 'events.db');
    const { store, db } = open(file, new FakeClock());
    store.append([observed()], []);
    expect(onDisk(file).seqs).toEqual([]);
    store.sync();
    expect(onDisk(file).seqs).toEqual([1]);
    expect(db.pragma('synchronous', { simple: true })).toBe(1);
    db.pragma(`max_page_count = ${String(db.pragma('page_count', { simple: true }))}`);
    store.append([observed(planner, 'x'.repeat(20_000))], []);
    expect(() => store.sync()).toThrow('events.db could not be written');
    expect(db.pragma('synchronous', { simple: true })).toBe(1);
    store.close();
  });
});

describe('a cursor', () => {
  it('is kept with the next commit and causes none, and outlives the store', async () => {
    const file = join(tempFolder(), 'events.db');
    const clock = new FakeClock();
    const first = open(file, clock);
    expect(first.store.cursor('traces')).toBe(undefined);
    first.store.moveCursor('traces', 7);
    expect(first.store.cursor('traces')).toBe(7);
    expect(clock.pending).toBe(0);
    const stored = () => new Sqlite(file, { readonly: true }).prepare('SELECT seq FROM cursor').pluck().get();
    expect(stored()).toBe(undefined);
    first.store.append([decided()], []);
    expect(stored()).toBe(7);
    first.store.moveCursor('traces', 9);
    first.store.close();
    const second = open(file, clock);
    expect(second.store.cursor('traces')).toBe(9);
    second.store.close();
  });

  it('is where a reader finds what it missed', () => {
    const { store } = open(join(tempFolder(), 'events.db'), new FakeClock());
    store.append([observed(), decided(), crashed('1'), decided(writer, epochMs(5))], []);
    const missed = (seq: number, at = 0) =>
      store.missed(['component.held', 'component.crashed'], seq, epochMs(at)).map((one) => one.seq);
    expect(missed(0)).toEqual([2, 3, 4]);
    expect(missed(2)).toEqual([3, 4]);
    expect(missed(0, 6)).toEqual([2, 3]);
    store.close();
  });
});

describe('a decision that somebody waits for', () => {
  it('is not written before its sync, and makes the disk write whatever came before', () => {
    const file = join(tempFolder(), 'events.db');
    const { store } = open(file, new FakeClock());
    const wal = () => statSync(`${file}-wal`).size;
    const asked = { ...samples['remediation.decided'], component: planner };
    store.append([asked, decided()], []);
    expect(onDisk(file).seqs).toEqual([]);
    store.sync();
    expect(onDisk(file).seqs).toEqual([1, 2]);
    // With nothing left to write there is still something to be kept: a commit of the lesser kind.
    store.append([decided()], []);
    const before = wal();
    store.sync();
    expect(wal()).toBeGreaterThan(before);
    store.close();
  });

  it('of a long incident: its beginning and the newest are told', () => {
    const { store } = open(join(tempFolder(), 'events.db'));
    const { id } = incident('a'.repeat(32), 1);
    store.append(
      Array.from({ length: 2_500 }, (_, n) => ({ ...decided(planner, epochMs(n)), incident: id })),
      [],
    );
    const told = store.timeline(id);
    expect(told).toHaveLength(2_001);
    expect([told[0]?.seq, told[1]?.seq, told.at(-1)?.seq]).toEqual([1, 501, 2_500]);
    store.close();
  });
});

describe('a full disk', () => {
  const full = (clock: FakeClock) => {
    const file = join(tempFolder(), 'events.db');
    const opened = open(file, clock);
    opened.db.pragma(`max_page_count = ${String(opened.db.pragma('page_count', { simple: true }))}`);
    const large = 'x'.repeat(20_000);
    return { ...opened, file, large, free: () => opened.db.pragma('max_page_count = 100000') };
  };

  it('keeps decisions, observations and records until there is room again, and says so once', async () => {
    const clock = new FakeClock();
    const { file, store, large, errors, free } = full(clock);
    expect(store.append([observed(planner, large), decided()], [record(planner, 1)])).toEqual([1, 2]);
    expect(store.append([decided()], [record(planner, 2), record(writer)])).toEqual([3]);
    await clock.advance(5_000);
    store.append([{ type: 'component.removed', at: epochMs(1), component: writer }], []);
    expect(errors).toMatchObject([{ code: 'STORE_FAILED', http: 503 }]);
    expect(store.after(0, 10).map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
    expect(onDisk(file).seqs).toEqual([]);

    free();
    await clock.advance(1_000);
    expect(errors).toMatchObject([{ code: 'STORE_FAILED' }, 'writable']);
    expect(onDisk(file)).toEqual({ seqs: [1, 2, 3, 4], records: 1 });
    expect(store.records()).toMatchObject([{ component: 'planner', crashes: 2 }]);
    expect(clock.pending).toBe(0);
    store.append([decided()], []);
    expect(onDisk(file).seqs).toHaveLength(5);
    store.close();
  });

  it('gives up the oldest observations beyond a bound, and counts them', async () => {
    const clock = new FakeClock();
    const { store, large, errors } = full(clock);
    store.append([observed(planner, large)], []);
    for (let i = 0; i < LARGEST_BUFFER; i++) store.append([observed(planner, large.slice(0, 500))], []);
    await clock.advance(100);
    expect(store.after(0, 20_000)).toHaveLength(LARGEST_BUFFER);
    expect(store.after(0, 1)[0]?.seq).toBe(2);
    expect(String(errors[0])).toContain('1 events have been given up');
    store.close();
  });
});

import { statSync } from 'node:fs';
import type { Clock } from '../clock.ts';
import { failure, sentenceOf, systemCode } from '../errors.ts';
import { durability } from '../model/index.ts';
import { EventBuffer } from './event-buffer.ts';
import { createEventReader } from './event-reader.ts';
import { createEventRetention } from './event-retention.ts';
import { toRow, type EventRow } from './event-rows.ts';
import type { EventStore } from './event-store.ts';
import { eventMigrations } from './migrations/events.ts';
import { openOrSetAside, type Database, type SetAside } from './open.ts';

export interface EventStoreDeps {
  readonly clock: Clock;
  /**
   * Hears that nothing can be written, once for as long as it lasts. What comes meanwhile is kept in memory and
   * tried again every second.
   */
  readonly onError: (error: unknown) => void;
  /** Hears that it can be written again. */
  readonly onWritable: () => void;
}

const FLUSH_AFTER_MS = 100;
const RETRY_FLUSH_AFTER_MS = 1_000;
/** Numbers set aside on disk ahead of use: more than can be told before the next commit. */
const RESERVE = 20_000;
/** The only lock we can meet is held for microseconds, when the checkpointing connection rereads a header. */
const BUSY_RETRIES = 50;
const BUSY_PAUSE_MS = 0.1;
/**
 * 16 MiB. The other thread moves the WAL into the file, but while a crash loop writes all the time it never comes to its
 * end, and a WAL begins anew only from there. From this size on a commit moves the rest itself.
 */
const LARGEST_WAL_PAGES = 4_096;

/**
 * Opens events.db; a damaged file is set aside and a new one begun.
 * @param readAll reads all that its caller will read before it has taken over what lives: what is damaged must be
 * found while it can still be set aside. Called once more, on the new file, when it was.
 */
export function openEventStore(
  file: string,
  deps: EventStoreDeps,
  readAll: (store: EventStore) => void = () => {},
): { readonly store: EventStore; readonly db: Database; readonly setAside: SetAside | null } {
  const options = {
    synchronous: 'NORMAL',
    migrations: eventMigrations,
    clock: deps.clock,
    autoCheckpointPages: LARGEST_WAL_PAGES,
  } as const;
  const { value, setAside } = openOrSetAside(file, options, (db) => {
    const store = createEventStore(db, deps);
    store.records();
    store.newest(1);
    readAll(store);
    return { store, db };
  });
  return { ...value, setAside };
}

export function createEventStore(db: Database, { clock, onError, onWritable }: EventStoreDeps): EventStore {
  const insert = db.prepare<[number, number, string, string | null, string | null, string]>(
    'INSERT INTO event (seq, at, type, component, incident, body) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const keepIncident = db.prepare<[string, string, number, number | null, string]>(
    'INSERT OR REPLACE INTO incident (id, component, opened_at, resolved_at, record) VALUES (?, ?, ?, ?, ?)',
  );
  const upsert = db.prepare<[string, string]>('INSERT OR REPLACE INTO component (name, record) VALUES (?, ?)');
  const remove = db.prepare<[string | null]>('DELETE FROM component WHERE name = ?');
  const keepCursor = db.prepare<[string, number]>('INSERT OR REPLACE INTO cursor (name, seq) VALUES (?, ?)');
  const reserve = db.prepare<[number]>('UPDATE sequence SET reserved = ?');

  let reserved = Number(db.prepare('SELECT reserved FROM sequence').pluck().get());
  let next = Math.max(reserved, Number(db.prepare('SELECT max(seq) FROM event').pluck().get() ?? 0) + 1);
  const waiting = new EventBuffer();
  const reader = createEventReader(db, waiting);
  const retention = createEventRetention(db, { storing, waiting: () => waiting.events.length });
  let cancelFlush: (() => void) | undefined;
  /** Nothing could be written the last time: the next attempt is the timer's, so that no decision waits for it. */
  let troubled = false;

  /** Writes something where nothing waits: a row that would not change writes nothing. */
  const touch = () => reserve.run(++reserved);
  const mustReserve = () => next + RESERVE / 2 > reserved;
  const write = db.transaction(({ events, records, incidents, cursors }: EventBuffer) => {
    for (const { seq, at, type, component, incident, body } of events) {
      insert.run(seq, at, type, component, incident, body);
      if (type === 'component.removed') remove.run(component);
    }
    for (const [name, record] of records) upsert.run(name, record);
    for (const incident of incidents.values()) {
      const { id, component, openedAt, resolved } = incident;
      keepIncident.run(id, component, openedAt, resolved?.at ?? null, JSON.stringify(incident));
    }
    for (const [name, seq] of cursors) keepCursor.run(name, seq);
    if (mustReserve()) reserve.run(next + RESERVE);
  });

  const writeCursors = db.transaction((cursors: readonly (readonly [string, number])[]) => {
    for (const [name, seq] of cursors) keepCursor.run(name, seq);
  });

  function flush(): void {
    if (waiting.isEmpty) return;
    storing(() => write.immediate(waiting));
    if (mustReserve()) reserved = next + RESERVE;
    waiting.clear();
    cancelFlush?.();
    cancelFlush = undefined;
    if (troubled) onWritable();
    troubled = false;
  }

  function flushAfter(ms: number): void {
    cancelFlush ??= clock.after(ms, () => {
      cancelFlush = undefined;
      tryFlush();
    });
  }

  function tryFlush(): void {
    try {
      flush();
    } catch (error) {
      if (!troubled) onError(error);
      troubled = true;
      cancelFlush?.();
      cancelFlush = undefined;
      flushAfter(RETRY_FLUSH_AFTER_MS);
    }
  }

  /** One commit that waits for the disk takes all before it along: they are in the same WAL. */
  function sync(): void {
    db.pragma('synchronous = FULL');
    try {
      if (waiting.isEmpty) storing(touch);
      else flush();
    } finally {
      db.pragma('synchronous = NORMAL');
    }
  }

  return {
    ...reader,
    prune: retention.prune,
    thin: retention.thin,
    pruneIncidents: retention.pruneIncidents,
    flush,
    sync,

    append(events, records, incidents = []) {
      const rows: EventRow[] = [];
      const seqs = events.map((event) => {
        if (durability[event.type] === 'passing') return null;
        rows.push(toRow(next, event));
        return next++;
      });
      if (rows.length === 0 && records.length === 0 && incidents.length === 0) return seqs;
      waiting.add(rows, records, incidents);
      retention.grew(rows.length);
      const owed = new Set(events.map(({ type }) => durability[type]));
      // What somebody waits for is written by the `sync` that follows, all of it in one commit.
      if (!troubled && owed.has('decision') && !owed.has('acknowledged')) tryFlush();
      else flushAfter(FLUSH_AFTER_MS);
      return seqs;
    },

    moveCursor: (name, seq) => void waiting.cursors.set(name, seq),

    keepCursors(cursors) {
      for (const [name, seq] of Object.entries(cursors)) waiting.cursors.set(name, seq);
      if (troubled) return;
      try {
        storing(() => writeCursors.immediate(Object.entries(cursors)));
      } catch (error) {
        onError(error);
      }
    },

    renewWal() {
      if (troubled || !db.open) return;
      if (!waiting.isEmpty) return tryFlush();
      try {
        storing(touch);
      } catch {
        // Nothing waits: the next flush meets it too, tells, and takes it back.
      }
    },

    lastSeq: () => next - 1,

    sizeBytes: () => sizeOf(db.name) + sizeOf(`${db.name}-wal`),

    close() {
      if (!db.open) return;
      cancelFlush?.();
      try {
        flush();
        for (const [name, seq] of waiting.cursors) storing(() => keepCursor.run(name, seq));
        storing(() => reserve.run(next));
      } catch (error) {
        onError(error);
      }
      db.close();
    },
  };

  /** Runs one write; a failure names what was given up meanwhile. */
  function storing<T>(run: () => T): T {
    for (let attempt = 1; ; attempt++) {
      try {
        return run();
      } catch (error) {
        if (attempt <= BUSY_RETRIES && systemCode(error)?.startsWith('SQLITE_BUSY')) {
          pause(BUSY_PAUSE_MS);
          continue;
        }
        const lost = waiting.dropped > 0 ? ` (${waiting.dropped} events have been given up so far)` : '';
        throw failure('STORE_FAILED', { store: 'events.db', why: sentenceOf(error) + lost }, { cause: error });
      }
    }
  }
}

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

const never = new Int32Array(new SharedArrayBuffer(4));
const pause = (ms: number): void => void Atomics.wait(never, 0, 0, ms);

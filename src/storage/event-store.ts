import { statSync } from 'node:fs';
import type { Clock } from '../clock.ts';
import { failure, sentenceOf, systemCode } from '../errors.ts';
import {
  durability,
  type ComponentName,
  type ComponentRecord,
  type EpochMs,
  type EventOf,
  type EventType,
  type Incident,
  type IncidentId,
  type RecoveryEvent,
} from '../model/index.ts';
import { EventBuffer } from './event-buffer.ts';
import { createEventReader } from './event-reader.ts';
import { toRow, type EventRow } from './event-rows.ts';
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

/**
 * The memory of the daemon: every event that is owed durability, and the newest record of each component.
 * Runs on the main thread: a decision costs one commit without fsync.
 */
export interface EventStore {
  /**
   * Stores what each event is owed. With a decision among them, all of them, what was waiting and the records are
   * committed at once, in one transaction, before this returns, unless something among them is owed a `sync`; the
   * others wait for the next commit, at most 100 ms.
   * `component.removed` deletes the component's record. Never throws: what a full disk refuses waits for room, the
   * newest 10,000 events of it and all records.
   * @returns the number of each event, null for those that are never stored.
   */
  append(
    events: readonly RecoveryEvent[],
    records: readonly ComponentRecord[],
    incidents?: readonly Incident[],
  ): (number | null)[];
  /** Events after `seq`, oldest first, at most `limit`; those that still wait to be written included. */
  after(seq: number, limit: number): { readonly seq: number; readonly event: RecoveryEvent }[];
  /** The newest `limit` events, oldest first. Numbers have gaps: they cannot be counted back. */
  newest(limit: number): { readonly seq: number; readonly event: RecoveryEvent }[];
  /** Grows for ever; after an unclean end it jumps ahead, so that a number once told is never used again. */
  lastSeq(): number;
  records(): ComponentRecord[];
  /** Newest first, each with the path of its report once there is one. */
  crashes(filter: {
    component?: ComponentName | undefined;
    limit: number;
  }): { readonly event: EventOf<'component.crashed'>; readonly report: string | null }[];
  /** Events of some types that happened at or after a time, oldest first. */
  since(types: readonly EventType[], at: EpochMs): RecoveryEvent[];
  /** Events of some types after a number that happened at or after a time, oldest first; what waits is left out. */
  missed(
    types: readonly EventType[],
    seq: number,
    at: EpochMs,
  ): { readonly seq: number; readonly event: RecoveryEvent }[];
  /** Events of some types after a number, oldest first, at most `limit`; those that still wait to be written included. */
  afterOf(
    types: readonly EventType[],
    seq: number,
    limit: number,
  ): { readonly seq: number; readonly event: RecoveryEvent }[];
  /** How far a reader has come that must go on there after the daemon's death; undefined: it never began. */
  cursor(name: string): number | undefined;
  /** Remembered with the next commit that there is anyway: after a death a reader may read a little again. */
  moveCursor(name: string, seq: number): void;
  /** On disk before it returns: survives SIGKILL. What a full disk refuses goes with the next commit. */
  keepCursors(cursors: Readonly<Record<string, number>>): void;
  /** The newest event of a type, of one component or of any. */
  lastOf<T extends EventType>(type: T, component?: ComponentName): EventOf<T> | undefined;
  /** Newest first. `open`: not resolved. */
  incidents(filter: IncidentQuery): Incident[];
  /** By its id or the beginning of it; undefined when there is none, or more than one. */
  incident(idOrPrefix: string): Incident | undefined;
  /** The stored events of one incident, oldest first: the first, and the newest 2,000. */
  timeline(incident: IncidentId): { readonly seq: number; readonly event: RecoveryEvent }[];
  /** Deletes incidents that were resolved before a time. @throws STORE_FAILED */
  pruneIncidents(before: EpochMs): void;
  /** The newest `limit` events of a type, oldest first. */
  newestOf<T extends EventType>(type: T, limit: number): EventOf<T>[];
  /** Writes what waits. @throws STORE_FAILED; what waits is kept. */
  flush(): void;
  /**
   * Writes what waits and has the disk keep it: it survives a power cut. For what somebody is about to be answered.
   * @throws STORE_FAILED; what waits is kept.
   */
  sync(): void;
  /**
   * Deletes events from before a time among the `most` oldest, and gives a slice of space back.
   * @returns how many went: as many as `most` means that there may be more.
   * @throws STORE_FAILED
   */
  prune(before: EpochMs, most: number): number;
  /**
   * Deletes at most `most` events of those beyond the newest `keep` of one type and component, oldest first: a fact
   * that repeats for ever takes no more room. The first event of each open incident stays.
   * @returns how many went: as many as `most` means that there may be more.
   * @throws STORE_FAILED
   */
  thin(keep: number, most: number): number;
  /** Bytes of the database with its WAL. */
  sizeBytes(): number;
  /** Writes what waits and closes the file. Idempotent. */
  close(): void;
}

export interface IncidentQuery {
  readonly component?: string | undefined;
  readonly state?: 'open' | 'resolved' | undefined;
  readonly limit: number;
}

const FLUSH_AFTER_MS = 100;
const RETRY_FLUSH_AFTER_MS = 1_000;
/** Numbers set aside on disk ahead of use: more than can be told before the next commit. */
const RESERVE = 20_000;
/** The only lock we can meet is held for microseconds, when the checkpointing connection rereads a header. */
const BUSY_RETRIES = 50;
const BUSY_PAUSE_MS = 0.1;
const VACUUM_PAGES = 50;
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
  const deleteIncidents = db.prepare<[number]>('DELETE FROM incident WHERE resolved_at < ?');
  const upsert = db.prepare<[string, string]>('INSERT OR REPLACE INTO component (name, record) VALUES (?, ?)');
  const remove = db.prepare<[string | null]>('DELETE FROM component WHERE name = ?');
  const keepCursor = db.prepare<[string, number]>('INSERT OR REPLACE INTO cursor (name, seq) VALUES (?, ?)');
  const reserve = db.prepare<[number]>('UPDATE sequence SET reserved = ?');
  // Looks at the oldest rows only: a search for old rows must not read the whole table when there are none.
  const deleteOld = db.prepare<[number, number]>(
    `DELETE FROM event WHERE seq IN (
       SELECT seq FROM (SELECT seq, at FROM event ORDER BY seq LIMIT ?) WHERE at < ?)`,
  );
  const kinds = db.prepare<[], { type: string; component: string | null; n: number }>(
    'SELECT type, component, count(*) AS n FROM event GROUP BY type, component ORDER BY n DESC LIMIT 100',
  );
  const deleteBeyond = db.prepare<{ type: string; component: string | null; keep: number; most: number }>(
    `DELETE FROM event WHERE seq IN (
       SELECT seq FROM event AS old
       WHERE type = :type AND component IS :component AND seq <= (
         SELECT seq FROM event WHERE type = :type AND component IS :component ORDER BY seq DESC LIMIT 1 OFFSET :keep
       ) AND NOT EXISTS (
         SELECT 1 FROM incident WHERE id = old.incident AND resolved_at IS NULL
           AND old.seq = (SELECT min(seq) FROM event WHERE incident = id)
       )
       ORDER BY seq LIMIT :most)`,
  );
  /** As many events may still come before any kind can have more than it may: until then nobody need count them. */
  let roomForAKind = 0;

  let reserved = Number(db.prepare('SELECT reserved FROM sequence').pluck().get());
  let next = Math.max(reserved, Number(db.prepare('SELECT max(seq) FROM event').pluck().get() ?? 0) + 1);
  const waiting = new EventBuffer();
  const reader = createEventReader(db, waiting);
  let cancelFlush: (() => void) | undefined;
  /** Nothing could be written the last time: the next attempt is the timer's, so that no decision waits for it. */
  let troubled = false;

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
      // A row that would not change writes nothing, and nothing would be synced.
      if (waiting.isEmpty) storing(() => reserve.run(++reserved));
      else flush();
    } finally {
      db.pragma('synchronous = NORMAL');
    }
  }

  return {
    ...reader,
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
      roomForAKind -= rows.length;
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

    lastSeq: () => next - 1,

    prune(before, most) {
      const { changes } = storing(() => deleteOld.run(most, before));
      if (changes > 0) storing(() => db.pragma(`incremental_vacuum(${VACUUM_PAGES})`));
      return changes;
    },

    thin(keep, most) {
      if (roomForAKind > 0) return 0;
      const counted = kinds.all();
      roomForAKind = keep - (counted[0]?.n ?? 0) - waiting.events.length;
      let gone = 0;
      for (const { type, component, n } of counted)
        if (n > keep && gone < most)
          gone += storing(() => deleteBeyond.run({ type, component, keep, most: most - gone })).changes;
      if (gone > 0) storing(() => db.pragma(`incremental_vacuum(${VACUUM_PAGES})`));
      return gone;
    },

    pruneIncidents: (before) => void storing(() => deleteIncidents.run(before)),

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

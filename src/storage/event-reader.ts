import type { ComponentName, ComponentRecord, EpochMs, EventOf, EventType, RecoveryEvent } from '../model/index.ts';
import type { EventBuffer } from './event-buffer.ts';
import { parseEvent, parseRecord, type EventRow } from './event-rows.ts';
import type { Database } from './open.ts';

interface CrashRow {
  readonly body: string;
  readonly report: string | null;
}

/** The questions of an event store, answered from the file and from what still waits to be written to it. */
export function createEventReader(db: Database, waiting: EventBuffer) {
  const selectAfter = db.prepare<[number], EventRow>('SELECT seq, body FROM event WHERE seq > ? ORDER BY seq');
  const selectNewest = db.prepare<[number], EventRow>('SELECT seq, body FROM event ORDER BY seq DESC LIMIT ?');
  const selectRecords = db.prepare<[], string>('SELECT record FROM component ORDER BY name').pluck();
  const selectLast = db
    .prepare<[string], string>('SELECT body FROM event WHERE seq = (SELECT max(seq) FROM event WHERE type = ?)')
    .pluck();
  const selectLastOf = db
    .prepare<[string, string], string>(
      'SELECT body FROM event WHERE type = ? AND component = ? ORDER BY seq DESC LIMIT 1',
    )
    .pluck();
  const selectSince = db
    .prepare<[string, number], string>(
      'SELECT body FROM event WHERE type IN (SELECT value FROM json_each(?)) AND at >= ? ORDER BY seq',
    )
    .pluck();
  // The numbers are found and cut to the limit first, from the index alone: bodies are large.
  const crashes = (which: string) => `SELECT body, (
      SELECT json_extract(later.body, '$.file') FROM event AS later INDEXED BY event_by_type
      WHERE later.type = 'crash.reported' AND later.component = crash.component AND later.seq > crash.seq
        AND json_extract(later.body, '$.crash') = json_extract(crash.body, '$.crash')
      ORDER BY later.seq LIMIT 1
    ) AS report
    FROM event AS crash
    WHERE seq IN (SELECT seq FROM event WHERE type = 'component.crashed' ${which} ORDER BY seq DESC LIMIT ?)
    ORDER BY seq DESC`;
  const selectCrashes = db.prepare<[number], CrashRow>(crashes(''));
  const selectCrashesOf = db.prepare<[string, number], CrashRow>(crashes('AND component = ?'));

  const newestWaiting = (type: EventType, matches: (event: RecoveryEvent) => boolean): RecoveryEvent | undefined =>
    waiting.events
      .filter((row) => row.type === type)
      .map((row) => parseEvent(row.body))
      .findLast((event) => event !== undefined && matches(event));

  return {
    after(seq: number, limit: number) {
      const found: { seq: number; event: RecoveryEvent }[] = [];
      const take = (row: Pick<EventRow, 'seq' | 'body'>): boolean => {
        const event = row.seq > seq && found.length < limit ? parseEvent(row.body) : undefined;
        if (event) found.push({ seq: row.seq, event });
        return found.length < limit;
      };
      for (const row of selectAfter.iterate(seq)) if (!take(row)) break;
      waiting.events.every(take);
      return found;
    },

    newest(limit: number) {
      return [...selectNewest.all(limit).toReversed(), ...waiting.events].slice(-limit).flatMap(({ seq, body }) => {
        const event = parseEvent(body);
        return event ? [{ seq, event }] : [];
      });
    },

    since(types: readonly EventType[], at: EpochMs): RecoveryEvent[] {
      const waits = waiting.events.filter((row) => row.at >= at && types.some((type) => type === row.type));
      const bodies = [...selectSince.all(JSON.stringify(types), at), ...waits.map(({ body }) => body)];
      return bodies.flatMap((body) => parseEvent(body) ?? []);
    },

    records(): ComponentRecord[] {
      const texts = [...selectRecords.all(), ...waiting.records.values()];
      const byName = new Map<ComponentName, ComponentRecord>();
      for (const record of texts.map(parseRecord)) if (record) byName.set(record.component, record);
      return [...byName.values()];
    },

    crashes({ component, limit }: { component?: ComponentName | undefined; limit: number }) {
      const rows = component === undefined ? selectCrashes.all(limit) : selectCrashesOf.all(component, limit);
      return rows.flatMap(({ body, report }) => {
        const event = parseEvent(body);
        if (event?.type !== 'component.crashed') return [];
        const told = newestWaiting('crash.reported', (other) => 'crash' in other && other.crash === event.crash);
        return [{ event, report: told?.type === 'crash.reported' ? told.file : report }];
      });
    },

    lastOf<T extends EventType>(type: T, component?: ComponentName): EventOf<T> | undefined {
      const isItsOwn = (event: RecoveryEvent) =>
        component === undefined || ('component' in event && event.component === component);
      const stored = component === undefined ? selectLast.get(type) : selectLastOf.get(type, component);
      const newest = newestWaiting(type, isItsOwn) ?? (stored === undefined ? undefined : parseEvent(stored));
      return newest as EventOf<T> | undefined;
    },
  };
}

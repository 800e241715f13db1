import type {
  ComponentName,
  ComponentRecord,
  EpochMs,
  EventOf,
  EventType,
  Incident,
  IncidentId,
  RecoveryEvent,
} from '../model/index.ts';
import type { EventBuffer } from './event-buffer.ts';
import { parseEvent, parseIncident, parseRecord, type EventRow } from './event-rows.ts';
import type { Database } from './open.ts';

const LONGEST_TIMELINE = 2_000;

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
  const selectNewestOf = db
    .prepare<[string, number], string>('SELECT body FROM event WHERE type = ? ORDER BY seq DESC LIMIT ?')
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

  const selectMissed = db.prepare<{ types: string; seq: number; at: number }, EventRow>(
    `SELECT seq, body FROM event
     WHERE type IN (SELECT value FROM json_each(:types)) AND seq > :seq AND at >= :at ORDER BY seq`,
  );
  // By number, not by type: what is asked for is near the end.
  const selectAfterOf = db.prepare<{ types: string; seq: number; limit: number }, EventRow>(
    `SELECT seq, body FROM event
     WHERE seq > :seq AND +type IN (SELECT value FROM json_each(:types)) ORDER BY seq LIMIT :limit`,
  );
  const selectCursor = db.prepare<[string], number>('SELECT seq FROM cursor WHERE name = ?').pluck();
  // An incident may be open for weeks: its beginning, and what came last.
  const selectTimeline = db.prepare<{ incident: string; limit: number }, EventRow>(
    `SELECT seq, body FROM event
     WHERE seq IN (SELECT seq FROM event WHERE incident = :incident ORDER BY seq DESC LIMIT :limit)
        OR seq = (SELECT min(seq) FROM event WHERE incident = :incident)
     ORDER BY seq`,
  );
  const selectIncidents = db
    .prepare<{ component: string | null; state: string | null; limit: number }, string>(
      `SELECT record FROM incident
       WHERE (:component IS NULL OR component = :component)
         AND (:state IS NULL OR (resolved_at IS NULL) = (:state = 'open'))
       ORDER BY opened_at DESC, id LIMIT :limit`,
    )
    .pluck();
  const selectIncident = db
    .prepare<[string, string], string>('SELECT record FROM incident WHERE id >= ? AND id < ? LIMIT 2')
    .pluck();

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

    missed(types: readonly EventType[], seq: number, at: EpochMs) {
      return selectMissed.all({ types: JSON.stringify(types), seq, at }).flatMap((row) => {
        const event = parseEvent(row.body);
        return event ? [{ seq: row.seq, event }] : [];
      });
    },

    afterOf(types: readonly EventType[], seq: number, limit: number) {
      const waits = waiting.events.filter((row) => row.seq > seq && types.some((type) => type === row.type));
      const rows = [...selectAfterOf.all({ types: JSON.stringify(types), seq, limit }), ...waits].slice(0, limit);
      return rows.flatMap((row) => {
        const event = parseEvent(row.body);
        return event ? [{ seq: row.seq, event }] : [];
      });
    },

    cursor: (name: string): number | undefined => waiting.cursors.get(name) ?? selectCursor.get(name),

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

    newestOf<T extends EventType>(type: T, limit: number): EventOf<T>[] {
      const waits = waiting.events.filter((row) => row.type === type).map(({ body }) => body);
      const bodies = [...selectNewestOf.all(type, limit).toReversed(), ...waits].slice(-limit);
      return bodies.flatMap((body) => (parseEvent(body) as EventOf<T> | undefined) ?? []);
    },

    timeline(incident: IncidentId) {
      const waits = waiting.events.filter((row) => row.incident === incident);
      return [...selectTimeline.all({ incident, limit: LONGEST_TIMELINE }), ...waits].flatMap(({ seq, body }) => {
        const event = parseEvent(body);
        return event ? [{ seq, event }] : [];
      });
    },

    incidents({
      component,
      state,
      limit,
    }: {
      component?: string | undefined;
      state?: string | undefined;
      limit: number;
    }) {
      const found = new Map<IncidentId, Incident>();
      const question = { component: component ?? null, state: state ?? null, limit };
      for (const text of selectIncidents.all(question)) {
        const incident = parseIncident(text);
        if (incident) found.set(incident.id, incident);
      }
      // What waits is newer than its row.
      for (const incident of waiting.incidents.values()) {
        const fits =
          (component === undefined || incident.component === component) &&
          (state === undefined || (incident.resolved === null) === (state === 'open'));
        if (fits) found.set(incident.id, incident);
        else found.delete(incident.id);
      }
      return [...found.values()].toSorted((a, b) => b.openedAt - a.openedAt).slice(0, limit);
    },

    incident(idOrPrefix: string): Incident | undefined {
      const stored = selectIncident.all(idOrPrefix, `${idOrPrefix}g`).flatMap((text) => parseIncident(text) ?? []);
      const waits = [...waiting.incidents.values()].filter(({ id }) => id.startsWith(idOrPrefix));
      const found = new Map([...stored, ...waits].map((incident) => [incident.id, incident]));
      return idOrPrefix !== '' && found.size === 1 ? [...found.values()][0] : undefined;
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

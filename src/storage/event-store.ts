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
   * Begins the WAL anew, once all of it is in the file: whoever does waits for the disk, and that is not to be the next
   * decision. Never throws.
   */
  renewWal(): void;
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

import type {
  checkpointKinds,
  CheckpointId,
  CheckpointTrigger,
  ComponentName,
  EpochMs,
  ManifestId,
  RestoreSource,
} from '../model/index.ts';
import type { RecordEncoding } from './codec.ts';
import type { StatePolicy } from './schema.ts';

/**
 * How a checkpoint is kept: `full` and `incremental` (operations, RFC 6902, on the one before) in state.db, `memory` in
 * the daemon's memory only, `disk` whole in state.db and as a file.
 */
export type CheckpointKind = 'full' | 'incremental' | 'memory' | 'disk';
/** What may be asked for; without, it is full or incremental, whichever costs less. */
export type AskedKind = (typeof checkpointKinds)[number];

/** The answer to who saves: what became of it. `memory`: it is lost when the daemon dies. */
export interface Saved {
  readonly checkpoint_id: CheckpointId;
  readonly kind: CheckpointKind;
  /** Of one of the kind `disk`. */
  readonly file?: string;
}

/** One stored checkpoint, without its state. */
export interface CheckpointInfo {
  readonly checkpoint_id: CheckpointId;
  readonly component: ComponentName;
  /** Its place in the row of its component's checkpoints, from 1; one in memory has the place of the next stored one. */
  readonly sequence: number;
  readonly at: EpochMs;
  readonly kind: CheckpointKind;
  readonly trigger: CheckpointTrigger;
  /** Of its JSON: of the state, or of the operations. */
  readonly size_bytes: number;
  /** Of what is stored of it, compressed. */
  readonly stored_bytes: number;
  readonly encoding: RecordEncoding;
  /** Id of the key that its bytes are encrypted with; null: they are not. */
  readonly key_id: string | null;
  /** Of the stored bytes. */
  readonly sha256: string;
  /** Hash of the record and, for an incremental one, of all that it builds on. */
  readonly chain: string;
  /** The checkpoint before it; null: it was the first, or is older than that is told. */
  readonly parent: CheckpointId | null;
  readonly schema_version: number;
  /** Last journal entry that the state contains; null: the component had not journalled. */
  readonly through: number | null;
  /** False once its bytes were found not to match `sha256`: it is never used again. */
  readonly valid: boolean;
}

/**
 * JSON in UTF-8 that is as long as what a component remembers: it is handed on as it is, and parsed by the component
 * only. Numbers beyond 2^53 keep their digits so, and no loop stands still for it.
 */
export type JsonBytes = Uint8Array<ArrayBuffer>;
/** Raw bytes, whole or in the pieces in which they came. Given away: the caller must not look at them again. */
export type Body = Uint8Array | readonly Uint8Array[];

/** One checkpoint with its state. */
export interface ReadCheckpoint extends CheckpointInfo {
  readonly state: JsonBytes;
  /**
   * All that was journalled after it is there. False: the retention has given it up, or it is damaged or lost, and who
   * goes back to this checkpoint loses it.
   */
  readonly journal_complete: boolean;
}

/** One element of the `journal` of `GET state`. */
export interface JournalEntry {
  readonly entry_id: number;
  readonly at: EpochMs;
  readonly operation: string;
  readonly data: unknown;
  /** Of the shape of the state that it was written under; null: the component did not say. */
  readonly schema_version: number | null;
}

/** Checkpoints of several components that were taken together, while none of them had begun anything new. */
export interface ManifestInfo {
  readonly manifest_id: ManifestId;
  readonly at: EpochMs;
  readonly trigger: CheckpointTrigger;
  readonly parts: readonly {
    readonly component: ComponentName;
    readonly checkpoint_id: CheckpointId;
    /** Last journal entry that its state contains; null: it had not journalled. */
    readonly through: number | null;
  }[];
  /** False when it does not match its checksum, or one of its checkpoints is damaged or gone: `why`. */
  readonly valid: boolean;
  readonly why: string | null;
}

/** Between two entries of a component others are missing or damaged: those after the one and before the other. */
export interface Gap {
  readonly after: number;
  readonly before: number;
}

/** What is known to have been stored of a component, and is not there any more. */
export interface Loss {
  readonly component: ComponentName;
  /** Places of checkpoints in its row, the first and the last of them; null: none. */
  readonly sequences: readonly [number, number] | null;
  /** Entries of its journal; null: none. */
  readonly entries: Gap | null;
}

/** What a component continues from: the newest valid checkpoint and what was journalled after it. */
export interface Restored {
  readonly checkpoint_id: CheckpointId | null;
  readonly state: JsonBytes;
  readonly schema_version: number;
  /** A list of `JournalEntry`. */
  readonly journal: JsonBytes;
  /** How many of them it holds. */
  readonly entries: number;
  /**
   * The newest entry that state and journal together contain: what the next checkpoint's `through` is when nothing
   * was journalled meanwhile. null: the component has never journalled.
   */
  readonly through: number | null;
  /** Upper bound of the time whose changes are lost; 0 for a component that journals what it does. */
  readonly data_loss_seconds: number;
  /** How many checkpoints are newer than this one and damaged or gone; those in doubt do not count. */
  readonly lost_checkpoints: number;
  /** Where entries of the journal are damaged or gone; nothing is known of what they said. */
  readonly lost_entries: readonly Gap[];
  readonly source: RestoreSource;
}

export interface BadFile extends Pick<CheckpointInfo, 'checkpoint_id' | 'component'> {
  readonly file: string;
  readonly why: string;
}

/** A file of a checkpoint that state.db knows nothing of: it was lost there, or somebody has put the file here. */
export interface StrayFile extends Pick<CheckpointInfo, 'checkpoint_id' | 'component'> {
  /** Of the file. */
  readonly size_bytes: number;
  readonly file: string;
}

export interface Verified {
  readonly checked: number;
  readonly corrupted: readonly CheckpointInfo[];
  /** Files of checkpoints of the kind `disk` that are gone or damaged, while what state.db holds of them is sound. */
  readonly files: readonly BadFile[];
  readonly manifests: { readonly checked: number; readonly corrupted: readonly ManifestInfo[] };
  /** What SQLite itself says of the file: `ok`, or the first complaint. */
  readonly integrity: string;
}

/** That there is something of a component, without reading all of it. */
export interface Remembered {
  readonly component: ComponentName;
  /** The newest stored checkpoint that is valid; null: there is none. */
  readonly newest: Pick<CheckpointInfo, 'at' | 'size_bytes'> | null;
  /** It has a checkpoint, be it in memory only or damaged. */
  readonly hasSaved: boolean;
  /** It has journalled, ever. */
  readonly journals: boolean;
}

/** Where a component continues from in place of its newest checkpoint, until it saves again: it was brought back there. */
export interface ResumePoint {
  readonly component: ComponentName;
  /** null: from nothing. */
  readonly checkpoint_id: CheckpointId | null;
  /** When that was asked for. */
  readonly at: EpochMs;
}

export interface ResumeWish extends Pick<ResumePoint, 'component' | 'checkpoint_id'> {
  /** With what was journalled after the checkpoint; what is journalled from then on is replayed in any case. */
  readonly journal: boolean;
}

/** Resume points of all components. Each change is durable when resolved. */
export interface ResumePoints {
  /**
   * All of them or none. A checkpoint of which there is only a file is stored as the newest, and no journal is replayed on
   * it. Rejects with CHECKPOINT_NOT_FOUND, also for one of another component,
   * CHECKPOINT_CORRUPTED or STORE_FAILED: then none of them is there, also when the thread died in between.
   * @param leaving their lives run on for now, and what they save until `begun` does not count.
   */
  from(wishes: readonly ResumeWish[], leaving: boolean): Promise<void>;
  /** A life goes on from it: from now on what is saved counts. */
  begun(component: ComponentName): Promise<void>;
  /** An earlier daemon had begun to stop it for this, and it has not left yet: what it saves does not count. */
  awaited(component: ComponentName): Promise<void>;
  /** Nothing comes of the last one that was asked for: it continues from where it would have. */
  drop(component: ComponentName): Promise<void>;
  list(): Promise<ResumePoint[]>;
}

/**
 * Checkpoints and journal of all components. One worker thread owns the file; whatever is answered is on disk
 * (`synchronous=FULL`) unless the answer calls it `memory`, and what arrives together is committed together. Writes of one component are applied in
 * the order of the calls. Rejects with BODY_INVALID, STORE_FAILED, CHECKPOINT_NOT_FOUND or CHECKPOINT_CORRUPTED.
 * States checkpoint.written, checkpoint.write_failed, checkpoint.corrupted and checkpoint.restored.
 */
export interface StateStore {
  /**
   * @param body the raw JSON of `PUT state`: `{state, schema_version?, through?}`; it is not parsed on the calling
   * thread.
   * @param kind how it is to be kept. One for which there is no room in memory is stored.
   */
  putState(component: ComponentName, body: Body, trigger: CheckpointTrigger, kind?: AskedKind): Promise<Saved>;
  /**
   * @param body the raw JSON of `PATCH state`: `{base, operations, schema_version?, through?}`. The same body again, because
   * the answer was lost, is stored once. Rejects with CHECKPOINT_NOT_NEWEST when `base` is not the newest, and with
   * PATCH_REFUSED when the newest cannot be built on, for one because it is of another schema version: then the whole
   * state must be put. Rejects with STATE_TOO_LARGE when it would become larger than a state that is put may be.
   */
  patchState(component: ComponentName, body: Body, trigger: CheckpointTrigger): Promise<Saved>;
  /** @param body the raw JSON of `POST journal`: one entry or a list of them. */
  appendJournal(component: ComponentName, body: Body): Promise<{ entry_id: number } | { entry_ids: number[] }>;
  /**
   * What a component continues from: its resume point, else the newest checkpoint; where that does not verify, the newest
   * before it that does.
   * @param endedAt when the life before ended, for the estimate of what is lost; null: there was none.
   * @param doubted passed over too, as long as there is another one: a doubt is no proof, and never leads to nothing. The
   * first life that goes on from a resume point is given that, in doubt or not.
   * @param preserve false: from nothing, unless it has a resume point.
   */
  getState(
    component: ComponentName,
    endedAt: EpochMs | null,
    doubted?: ReadonlySet<CheckpointId>,
    preserve?: boolean,
  ): Promise<Restored>;
  readonly resume: ResumePoints;
  /** Newest first; all of them unless `most` says otherwise. */
  list(component?: ComponentName, most?: number): Promise<CheckpointInfo[]>;
  /** Files without a record, by their names; whether they are sound `read` finds out. */
  strayFiles(component?: ComponentName): Promise<StrayFile[]>;
  /** What is remembered of those that have saved or journalled anything. */
  remembered(): Promise<Remembered[]>;
  /** It has journalled, as far as is known here: of an earlier daemon that is told by its checkpoints. */
  journals(component: ComponentName): boolean;
  /** One checkpoint with its state, verified; also one of which there is only a file. */
  read(checkpoint: CheckpointId): Promise<ReadCheckpoint>;
  /**
   * The newest checkpoint of a component is stored under its id when it is in memory only: there it would be gone with
   * the next one. Durable when resolved. Rejects with STORE_FAILED.
   */
  storeHeld(component: ComponentName): Promise<void>;
  /**
   * Says that these checkpoints were taken together; durable when resolved. They are kept as long as the manifest.
   * Rejects with CHECKPOINT_NOT_FOUND or CHECKPOINT_CORRUPTED.
   */
  writeManifest(checkpoints: readonly CheckpointId[], trigger: CheckpointTrigger): Promise<ManifestInfo>;
  /** Newest first. */
  manifests(): Promise<ManifestInfo[]>;
  /** Rejects with CHECKPOINT_NOT_FOUND. */
  manifest(manifest: ManifestId): Promise<ManifestInfo>;
  /** Reads every checkpoint and compares its bytes with its checksum; quarantines what does not match. */
  verify(): Promise<Verified>;
  /** Deletes what the retention allows, with the journal that no retained checkpoint needs. @returns how many went. */
  prune(policies: ReadonlyMap<ComponentName, StatePolicy>): Promise<number>;
  /** Bytes of the database with its WAL. */
  sizeBytes(): number;
  close(): Promise<void>;
}

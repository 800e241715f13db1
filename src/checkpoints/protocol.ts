import type { CheckpointId, CheckpointTrigger, ComponentName, EpochMs, ManifestId } from '../model/index.ts';
import type { Refused } from './refusal.ts';
import type { StatePolicy } from './schema.ts';
import type {
  AskedKind,
  BadFile,
  CheckpointInfo,
  JsonBytes,
  Loss,
  ManifestInfo,
  ReadCheckpoint,
  Remembered,
  Restored,
  ResumePoint,
  ResumeWish,
  Saved,
  StrayFile,
} from './state-store.ts';

/** A resume point of which nothing comes: that of the component, if it is the one that was asked for then. */
export interface DroppedResume {
  readonly component: ComponentName;
  readonly at: EpochMs;
}

/** What the worker can be asked for, and what it answers. Times are the asker's, so that there is one clock. */
export interface Jobs {
  put: {
    ask: {
      component: ComponentName;
      body: Uint8Array;
      trigger: CheckpointTrigger;
      at: EpochMs;
      kind?: AskedKind;
      /** Of a state that does not say its version; 1 unless given. */
      schemaVersion?: number;
    };
    answer: Saved & { size_bytes: number };
  };
  /** `size_bytes` null: it had been stored before, and came a second time. */
  patch: {
    ask: { component: ComponentName; body: Uint8Array; trigger: CheckpointTrigger; at: EpochMs };
    answer: Saved & { size_bytes: number | null };
  };
  journal: {
    ask: { component: ComponentName; body: Uint8Array; at: EpochMs };
    answer: { entry_id: number } | { entry_ids: number[] };
  };
  restore: {
    ask: {
      component: ComponentName;
      endedAt: EpochMs | null;
      doubted: ReadonlySet<CheckpointId>;
      at: EpochMs;
      /** False: from nothing, unless it was brought back to something. */
      preserve: boolean;
    };
    answer: { restored: Restored; damaged: readonly Damage[]; hadAnything: boolean };
  };
  /** Durable when answered, as are the changes that follow. */
  resumeFrom: { ask: { points: readonly ResumeWish[]; leaving: boolean; at: EpochMs }; answer: null };
  resumeBegun: { ask: { component: ComponentName; at: EpochMs }; answer: null };
  resumeAwaited: { ask: { component: ComponentName }; answer: null };
  resumeDropped: { ask: DroppedResume; answer: null };
  resumePoints: { ask: object; answer: ResumePoint[] };
  strayFiles: { ask: { component: ComponentName | null }; answer: StrayFile[] };
  remembered: { ask: object; answer: Remembered[] };
  /** Newest first, `most` of them. */
  list: { ask: { component: ComponentName | null; most?: number | undefined }; answer: CheckpointInfo[] };
  read: {
    ask: { checkpoint: CheckpointId; at: EpochMs };
    answer: { found: ReadCheckpoint | null; damage: Damage | null };
  };
  /** Null when none was in memory. Durable when answered. */
  storeHeld: { ask: { component: ComponentName }; answer: CheckpointInfo | null };
  /** Null when it has gone meanwhile. */
  verify: {
    ask: { checkpoint: CheckpointId; at: EpochMs };
    answer: { checkpoint: CheckpointInfo; damage: Damage | null; badFile: BadFile | null } | null;
  };
  /** Durable when answered, as a write is. */
  manifest: {
    ask: { checkpoints: readonly CheckpointId[]; trigger: CheckpointTrigger; at: EpochMs };
    answer: ManifestInfo;
  };
  /** `only` null: all of them, newest first. */
  manifests: { ask: { only: ManifestId | null }; answer: ManifestInfo[] };
  expireManifests: { ask: { before: EpochMs; keep: number }; answer: number };
  integrity: { ask: { store: 'state' | 'events' }; answer: string };
  /** Sequences of what the retention does not keep, in the order in which they may go. */
  expirable: {
    ask: { component: ComponentName; retention: StatePolicy['retention']; at: EpochMs };
    answer: readonly number[];
  };
  /** One slice each; the answer says how much went. */
  expire: { ask: { component: ComponentName; sequences: readonly number[] }; answer: number };
  /** Chunks that no checkpoint is made of any more. */
  sweep: { ask: object; answer: number };
  trim: { ask: { component: ComponentName }; answer: number };
  vacuum: { ask: object; answer: number };
  /** Ids of the keys that nothing is encrypted with any more; '': nothing is in plain text. */
  retireKeys: { ask: object; answer: readonly string[] };
  close: { ask: object; answer: null };
}
export type JobName = keyof Jobs;
export type Request = { [J in JobName]: { readonly id: number; readonly job: J } & Jobs[J]['ask'] }[JobName];
/** As it travels: a body goes in the pieces in which it came. */
export type Sent<R = Request> = R extends { readonly body: Uint8Array }
  ? Omit<R, 'body'> & { readonly body: readonly JsonBytes[] }
  : R;
export type RequestOf<J extends JobName> = Extract<Request, { job: J }>;

/** A checkpoint whose bytes are not what was written; `isNew`: found just now. */
export interface Damage {
  readonly checkpoint: CheckpointId;
  readonly component: ComponentName;
  readonly why: string;
  readonly isNew: boolean;
  /** Checkpoints that cannot be used for it, because they build on it. */
  readonly useless: readonly CheckpointId[];
}

export type Answer =
  { readonly id: number; readonly value: unknown } | { readonly id: number; readonly refused: Refused };

/** What was found when the database was opened. */
export interface Opened {
  /** Another key, or the first, is in use from now on: what was there before. */
  readonly rekeyed: Rekeyed | null;
  /** It was damaged, and a new one begun. */
  readonly setAside: { readonly movedTo: string; readonly why: string } | null;
  readonly losses: readonly Loss[];
  /** Components that were brought back to something, which is not known any more. */
  readonly lostResumes: readonly string[];
}

export interface Rekeyed {
  readonly keyId: string;
  /** What it was written with; '': plain text. */
  readonly former: readonly string[];
  readonly checkpoints: number;
  readonly entries: number;
}

export type FromWorker =
  /** It was started ahead: its first message is to be its `WorkerData`. */
  | { readonly waits: true }
  | { readonly opened: Opened }
  /** It is there and must not be opened as things are. */
  | { readonly refused: Refused }
  /** All of the WAL of events.db is in its file. */
  | { readonly eventsMoved: true }
  /** Of what else lives on this thread: handed on as it is. */
  | { readonly besides: unknown }
  /** `commits` since the worker began: how well requests are grouped. */
  | { readonly answers: readonly Answer[]; readonly commits: number };

export interface WorkerData {
  readonly file: string;
  /** Of the checkpoints that are files too; null: beside the file. */
  readonly checkpointsFolder: string | null;
  /** Its WAL is moved into it from here, never from the main thread; null: there is none. */
  readonly eventsFile: string | null;
  readonly now: EpochMs;
  readonly checkpointEventsEveryMs: number;
  /** Keys of 32 bytes: the one to write with, and those before it. None: plain text. */
  readonly keys: readonly Uint8Array[];
  /** Whose life before still runs, although they were brought back: one whose thread had died. */
  readonly leaving: readonly ComponentName[];
  /** Which that thread may have stored, or not have dropped, without saying so. */
  readonly dropped: readonly DroppedResume[];
  /** For what else lives on this thread. */
  readonly besides: unknown;
}

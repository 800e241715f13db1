export { choose } from './choose.ts';
export { createStateStore, type StateStoreOptions, type ThreadedStateStore } from './create-state-store.ts';
export { keyIdOf } from './cipher.ts';
export { createDoubts, type DoubtPolicy, type Doubts } from './doubts.ts';
export type {
  AskedKind,
  Body,
  CheckpointInfo,
  CheckpointKind,
  JournalEntry,
  ManifestInfo,
  ReadCheckpoint,
  Remembered,
  Restored,
  ResumePoint,
  ResumeWish,
  Saved,
  StateStore,
  Verified,
} from './state-store.ts';

export { choose } from './choose.ts';
export { createStateStore, type StateStoreOptions, type ThreadedStateStore } from './create-state-store.ts';
export { createDoubts, type DoubtPolicy, type Doubts } from './doubts.ts';
export type { CheckpointInfo, JournalEntry, ReadCheckpoint, Restored, StateStore, Verified } from './state-store.ts';

export type { CallOutcome, Permit } from './breakers.ts';
export { ClientError } from './client-error.ts';
export { connect, isSupervised } from './connect.ts';
export type {
  BreakerNews,
  ConnectOptions,
  Connection,
  HearOptions,
  JournalledOperation,
  PresentState,
  RestoredState,
  SavedState,
  SaveOptions,
  ShutdownOrder,
} from './connection.ts';
export type { DegradationNews, FallbackAnswer, Features } from './features.ts';
export type { Dropped, GuardOptions } from './guard.ts';
export type { Beat, HeartbeatOptions } from './heartbeat.ts';
export type { GoOn, PauseOrder } from './hold.ts';
export type { Migration, MigrationStep, Operation } from './migrate.ts';

export type { CallOutcome, Permit } from './breakers.ts';
export { ClientError } from './client-error.ts';
export {
  connect,
  isSupervised,
  type ConnectOptions,
  type Connection,
  type JournalledOperation,
  type PresentState,
  type RestoredState,
} from './connect.ts';
export type { Beat, HeartbeatOptions } from './heartbeat.ts';

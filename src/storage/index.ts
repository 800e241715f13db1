export { createEventStore, openEventStore, type EventStoreDeps } from './create-event-store.ts';
export type { EventStore } from './event-store.ts';
export { acquireLock, type Lock } from './lock.ts';
export { quickCheck, type Database, type SetAside } from './open.ts';

export { createEventStore, openEventStore, type EventStore, type EventStoreDeps } from './event-store.ts';
export { acquireLock, type Lock } from './lock.ts';
export { quickCheck, type Database, type SetAside } from './open.ts';

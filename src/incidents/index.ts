export { createIncidentBook, type IncidentBook } from './book.ts';
export { createIncidentDesk, type IncidentDesk, type IncidentView } from './desk.ts';
export { resolved } from './react.ts';
export type { IncidentPolicy } from './schema.ts';

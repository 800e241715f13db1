export { createNotifiers, type Notifiers, type NotifiersDeps } from './notifiers.ts';
export { tellable } from './occasion.ts';
export type { NotificationPolicy, Occasion } from './schema.ts';

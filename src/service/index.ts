export { gatherFacts } from './gather.ts';
export type { Scope, ServiceFacts } from './facts.ts';
export { managerOf, requireManager, requireRights, type Place } from './find.ts';
export { runner, type ServiceManager } from './manager.ts';
export { openNotifier } from './open.ts';
export { receiveDatagrams, type Receiver } from './receiver.ts';
export { statusLine } from './status-line.ts';
export { readWords, type Words } from './words.ts';

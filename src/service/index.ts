export { openNotifier } from './open.ts';
export { statusLine } from './status-line.ts';

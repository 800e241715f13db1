import { registry } from '../registry.ts';
import { breakerClose } from './breaker-close.ts';
import { breakerOpen } from './breaker-open.ts';
import { breakerReset } from './breaker-reset.ts';
import { checkpoint } from './checkpoint.ts';
import { reload } from './reload.ts';
import { resolveIncident } from './resolve-incident.ts';
import { restart } from './restart.ts';
import { start } from './start.ts';
import { stop } from './stop.ts';

export type { Action, Actor, Done } from './action.ts';
export const actions = registry(
  start,
  stop,
  restart,
  checkpoint,
  reload,
  breakerOpen,
  breakerClose,
  breakerReset,
  resolveIncident,
);

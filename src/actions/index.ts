import { registry } from '../registry.ts';
import { breakerClose } from './breaker-close.ts';
import { breakerOpen } from './breaker-open.ts';
import { breakerReset } from './breaker-reset.ts';
import { checkpoint } from './checkpoint.ts';
import { degrade } from './degrade.ts';
import { recover } from './recover.ts';
import { reload } from './reload.ts';
import { resolveIncident } from './resolve-incident.ts';
import { restart } from './restart.ts';
import { start } from './start.ts';
import { stop } from './stop.ts';

export type { Action, Actor, Done } from './action.ts';
export { recoveryModes, type RecoverWish, type RecoveryMode } from './recover.ts';
export const actions = registry(
  start,
  stop,
  restart,
  checkpoint,
  recover,
  reload,
  breakerOpen,
  breakerClose,
  breakerReset,
  degrade,
  resolveIncident,
);

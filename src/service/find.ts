import { failure } from '../errors.ts';
import type { Scope } from './facts.ts';
import { createLaunchd, plistFolder } from './launchd.ts';
import type { Run, ServiceManager } from './manager.ts';
import { createSystemd, requireSystemd, unitFolder } from './systemd.ts';

/** Where we are, and who asks. */
export interface Place {
  readonly platform: NodeJS.Platform;
  readonly env: NodeJS.ProcessEnv;
  readonly home: string;
  readonly uid: number;
  readonly run: Run;
}

/** The manager of this platform, whether it answers or not: its files can be made anywhere. */
export function managerOf({ platform, env, home, uid, run }: Place, name: string, scope: Scope): ServiceManager {
  if (platform === 'darwin') return createLaunchd({ name, scope, uid, run, folder: plistFolder(scope, home) });
  return createSystemd({ name, scope, run, folder: unitFolder(scope, env, home) });
}

/** @throws NO_SERVICE_MANAGER */
export function requireManager({ platform, run }: Place, scope: Scope): void {
  if (platform !== 'darwin') requireSystemd(run, scope);
}

/** Only root changes what starts with the machine. @throws NOT_PRIVILEGED */
export function requireRights({ uid }: Place, scope: Scope, verb: string): void {
  if (scope === 'system' && uid !== 0) throw failure('NOT_PRIVILEGED', { verb });
}

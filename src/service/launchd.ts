import { join } from 'node:path';
import type { Scope } from './facts.ts';
import { removeFile, requireFile, runOrFail, writeWhole, type Run, type ServiceManager } from './manager.ts';
import { plistText } from './plist.ts';

export interface LaunchdDeps {
  readonly name: string;
  readonly scope: Scope;
  /** Where property lists lie. */
  readonly folder: string;
  readonly uid: number;
  readonly run: Run;
}

/** Where launchd looks for what starts with the machine, or with the user's session. */
export const plistFolder = (scope: Scope, home: string): string =>
  scope === 'system' ? '/Library/LaunchDaemons' : join(home, 'Library', 'LaunchAgents');

/**
 * launchd knows no service that is there and stopped: what keeps itself alive is started by loading it and stopped by
 * unloading it.
 */
export function createLaunchd({ name, scope, folder, uid, run }: LaunchdDeps): ServiceManager {
  const file = join(folder, `${name}.plist`);
  const domain = scope === 'system' ? 'system' : `gui/${uid}`;
  const service = `${domain}/${name}`;
  const launchctl = (...args: string[]) => runOrFail(run, 'launchctl', ...args);
  const loaded = () => run('launchctl', 'print', service).code === 0;
  const load = () => {
    requireFile(file, name);
    launchctl('bootstrap', domain, file);
  };
  return {
    file,
    text: plistText,
    active: loaded,
    install(text, now) {
      writeWhole(file, text);
      launchctl('enable', service);
      if (!now) return;
      if (loaded()) launchctl('bootout', service);
      load();
    },
    uninstall() {
      requireFile(file, name);
      if (loaded()) launchctl('bootout', service);
      removeFile(file);
    },
    start: () => (loaded() ? launchctl('kickstart', service) : load()),
    stop: () => launchctl('bootout', service),
    restart: () => (loaded() ? launchctl('kickstart', '-k', service) : load()),
    status() {
      const { code, out, err } = run('launchctl', 'print', service);
      return { text: (out || err).trimEnd(), active: code === 0 };
    },
  };
}

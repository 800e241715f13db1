import { join } from 'node:path';
import { failure } from '../errors.ts';
import type { Scope } from './facts.ts';
import { removeFile, requireFile, runOrFail, writeWhole, type Run, type ServiceManager } from './manager.ts';
import { unitProblem, unitText } from './unit.ts';

export interface SystemdDeps {
  readonly name: string;
  readonly scope: Scope;
  /** Where units lie. */
  readonly folder: string;
  readonly run: Run;
}

/** Where systemd looks for units that an administrator, or a user, has made. */
export const unitFolder = (scope: Scope, env: NodeJS.ProcessEnv, home: string): string =>
  scope === 'system' ? '/etc/systemd/system' : join(env['XDG_CONFIG_HOME'] || join(home, '.config'), 'systemd', 'user');

/** How it is: there is the program alone, without a systemd that answers, in many a container. */
const ANSWERS = /^(initializing|starting|running|degraded|maintenance|stopping)$/;

/** @throws NO_SERVICE_MANAGER */
export function requireSystemd(run: Run, scope: Scope): void {
  const args = [...(scope === 'user' ? ['--user'] : []), 'is-system-running'];
  const { out, err } = run('systemctl', ...args);
  if (ANSWERS.test(out.trim())) return;
  const answer = out.trim() || err.trim();
  throw failure('NO_SERVICE_MANAGER', { asked: ['systemctl', ...args].join(' '), answer });
}

export function createSystemd({ name, scope, folder, run }: SystemdDeps): ServiceManager {
  const unit = `${name}.service`;
  const file = join(folder, unit);
  const scoped = scope === 'user' ? ['--user'] : [];
  const systemctl = (...args: string[]) => runOrFail(run, 'systemctl', ...scoped, ...args);
  return {
    file,
    text(facts) {
      const problem = unitProblem(facts);
      if (problem !== undefined) throw failure('SERVICE_FAILED', { command: 'making the unit', why: problem });
      return unitText(facts);
    },
    active: () => run('systemctl', ...scoped, 'is-active', '--quiet', unit).code === 0,
    install(text, now) {
      writeWhole(file, text);
      systemctl('daemon-reload');
      systemctl('enable', unit);
      // Not `start`: one that runs already gets what is new. Its components run on.
      if (now) systemctl('restart', unit);
    },
    uninstall() {
      requireFile(file, name);
      systemctl('disable', '--now', unit);
      removeFile(file);
      systemctl('daemon-reload');
    },
    start: () => systemctl('start', unit),
    stop: () => systemctl('stop', unit),
    restart: () => systemctl('restart', unit),
    status() {
      const { code, out, err } = run('systemctl', ...scoped, '--no-pager', 'status', unit);
      return { text: (out || err).trimEnd(), active: code === 0 };
    },
  };
}

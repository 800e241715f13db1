import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { randomHex } from '../../src/digest.ts';
import type { StartPlan } from '../../src/drivers/index.ts';
import { createProcessDriver } from '../../src/drivers/index.ts';
import type { Launcher } from '../../src/drivers/launcher.ts';
import { componentName, type IncarnationId, type ProcessIdentity } from '../../src/model/index.ts';
import { tempFolder } from '../support/temp.ts';

export const incarnationId = () => randomHex(16) as IncarnationId;

/** A plan as the supervisor makes them, with the mark that the leak guard looks for. */
export function planFor(command: readonly string[], changes: Partial<StartPlan> = {}): StartPlan {
  const incarnation = changes.incarnation ?? incarnationId();
  const component = changes.component ?? componentName('worker');
  return {
    component,
    incarnation,
    command,
    cwd: '/',
    startTimeoutMs: 10_000,
    logs: { max_size: 10 * 2 ** 20, keep: 2, gzip: false },
    ...changes,
    env: {
      PATH: process.env['PATH'] ?? '',
      PARAMEDIC_TEST: process.env['PARAMEDIC_TEST'] ?? '',
      PARAMEDIC_COMPONENT: component,
      PARAMEDIC_INCARNATION: incarnation,
      PARAMEDIC_TOKEN: `token-of-${incarnation}`,
      ...changes.env,
    },
  };
}

export const shell = (script: string, changes: Partial<StartPlan> = {}) => planFor(['/bin/sh', '-c', script], changes);
export const node = (script: string, changes: Partial<StartPlan> = {}) =>
  planFor([process.execPath, '-e', script], changes);

/** A driver for one test; `problems` are what it would have told. */
export function driverForTest(logsFolder = tempFolder(), launcher?: Launcher) {
  const problems: string[] = [];
  const driver = createProcessDriver({
    logsFolder,
    clock: systemClock,
    onProblem: (what, error) => problems.push(`${what}: ${String(error)}`),
    ...(launcher ? { launcher } : {}),
  });
  onTestFinished(() => driver.close());
  return { driver, problems, logsFolder };
}

/** Starts a process by a daemon that dies at once, so that the process is nobody's child. */
export async function startOrphan(plan: StartPlan, logsFolder: string): Promise<ProcessIdentity> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(import.meta.dirname, 'short-lived-daemon.ts'), JSON.stringify({ plan, logsFolder })],
    { env: { PATH: process.env['PATH'], NODE_NO_WARNINGS: '1' } },
  );
  return JSON.parse(stdout) as ProcessIdentity;
}

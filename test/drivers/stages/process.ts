import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { createProcessDriver } from '../../../src/drivers/index.ts';
import type { Stage } from '../../contracts/driver.ts';
import { isAlive } from '../../support/daemon.ts';
import { tempFolder } from '../../support/temp.ts';
import { planFor, shell, startOrphan } from '../support.ts';

/** A program that says in a file which process it is. */
export function processStage(): Stage {
  const logsFolder = tempFolder();
  const file = join(tempFolder(), 'pid');
  const problems: string[] = [];
  const pid = () => (existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0);
  const runs = () => pid() > 0 && isAlive(pid());
  const end = () => {
    if (runs()) process.kill(pid(), 'SIGKILL');
  };
  onTestFinished(end);
  return {
    problems,
    plan: (changes) => shell(`echo $$ > ${file}; exec sleep 600`, changes),
    runs,
    end,
    exit: { code: null, signal: 'SIGKILL' },
    former: async (plan) => ({ process: await startOrphan(plan, logsFolder), engine: null }),
    // Nobody but its parent is told how a process ended.
    adoptedExit: { code: null, signal: null },
    // The system makes it at once: it is verified when it is there.
    beSlow: () => ({ begun: () => true, goOn: () => {} }),
    refused: () => ({ plan: planFor(['./no-such']), says: /^Could not start "\.\/no-such": there is no \/no-such\.$/ }),
    driver: () =>
      createProcessDriver({
        logsFolder,
        clock: systemClock,
        onProblem: (what, error) => problems.push(`${what}: ${String(error)}`),
      }),
  };
}

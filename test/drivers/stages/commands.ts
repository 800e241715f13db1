import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { createCommandsDriver } from '../../../src/drivers/commands.ts';
import type { EngineStage } from '../../contracts/engine.ts';
import { tempFolder } from '../../support/temp.ts';
import { planFor } from '../support.ts';

/** An init script as they are: it keeps a pid in a file. */
const SCRIPT = `#!/bin/sh
cd "$(dirname "$0")"
alive() { [ -s pid ] && kill -0 "$(cat pid)" 2>/dev/null && ! grep -q '^State:.Z' "/proc/$(cat pid)/status"; }
[ -e away ] && { echo 'nothing is known' >&2; exit 4; }
case $1 in
  start)
    echo "starting $PARAMEDIC_COMPONENT"
    [ -e deaf ] && trap '' TERM
    setsid sleep 600 > /dev/null 2>&1 & echo $! > pid
    if [ -e slow ]; then sleep 600; fi ;;
  stop) kill "$(cat pid)"; for i in 1 2 3 4 5 6 7 8 9; do alive || exit 0; [ -e deaf ] && exit 1; sleep 0.05; done; exit 0 ;;
  status) alive || exit 3 ;;
esac
`;

export const settings = (script: string) => ({
  kind: 'commands' as const,
  start: ['/bin/sh', script, 'start'],
  stop: ['/bin/sh', script, 'stop'],
  status: ['/bin/sh', script, 'status'],
  timeout: 10_000,
  interval: 50,
});

export function commandsStage(): EngineStage & { readonly folder: string } {
  const [folder, logsFolder] = [tempFolder(), tempFolder()];
  const script = join(folder, 'ctl');
  writeFileSync(script, SCRIPT);
  const problems: string[] = [];
  const pid = () => Number(readFileSync(join(folder, 'pid'), 'utf8'));
  const runs = () => {
    try {
      return existsSync(join(folder, 'pid')) && !/\) [ZX] /.test(readFileSync(`/proc/${pid()}/stat`, 'utf8'));
    } catch {
      return false;
    }
  };
  const plan: EngineStage['plan'] = (changes) => planFor([], { engine: settings(script), ...changes });
  const end = () => {
    if (runs()) process.kill(pid(), 'SIGKILL');
  };
  onTestFinished(end);
  return {
    folder,
    problems,
    plan,
    runs,
    end,
    exit: { code: null, signal: null },
    refused: () => ({
      plan: plan({ engine: { ...settings(script), start: ['/no/such/program'] } }),
      says: /^Could not start "worker": "\/no\/such\/program" could not be started: there is no \/no\/such\/program\.$/,
    }),
    driver: () =>
      createCommandsDriver({
        logsFolder,
        clock: systemClock,
        onProblem: (what, error) => problems.push(`${what}: ${String(error)}`),
      }),
    startElsewhere: async () => {
      const other = createCommandsDriver({ logsFolder, clock: systemClock, onProblem: () => {} });
      await other.start(plan());
      await other.close();
    },
    beDeaf: () => {
      writeFileSync(join(folder, 'deaf'), '');
      return runs;
    },
    beSlow: () => {
      writeFileSync(join(folder, 'slow'), '');
      return { begun: runs, goOn: () => {} };
    },
    away: () => writeFileSync(join(folder, 'away'), ''),
    back: () => rmSync(join(folder, 'away')),
  };
}

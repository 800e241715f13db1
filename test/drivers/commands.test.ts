import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createCommandsDriver } from '../../src/drivers/commands.ts';
import { describeEngine, type Stage } from '../contracts/engine.ts';
import { isAlive } from '../support/daemon.ts';
import { tempFolder, until } from '../support/temp.ts';
import { planFor } from './support.ts';

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

const settings = (script: string) => ({
  kind: 'commands' as const,
  start: ['/bin/sh', script, 'start'],
  stop: ['/bin/sh', script, 'stop'],
  status: ['/bin/sh', script, 'status'],
  timeout: 10_000,
  interval: 50,
});

function stage(): Stage & { readonly folder: string; readonly logsFolder: string } {
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
  const plan: Stage['plan'] = (changes) => planFor([], { engine: settings(script), ...changes });
  const end = () => {
    if (runs()) process.kill(pid(), 'SIGKILL');
  };
  onTestFinished(end);
  return {
    folder,
    logsFolder,
    problems,
    plan,
    runs,
    end,
    driver: () =>
      createCommandsDriver({
        logsFolder,
        clock: systemClock,
        onProblem: (what, error) => problems.push(`${what}: ${String(error)}`),
      }),
    startElsewhere: async () => {
      const other = stageDriver(logsFolder);
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

const stageDriver = (logsFolder: string) =>
  createCommandsDriver({ logsFolder, clock: systemClock, onProblem: () => {} });

const withCommands = (commands: Partial<ReturnType<typeof settings>>) => async (on: Stage) =>
  on.plan({ engine: { ...settings(''), ...on.plan().engine, ...commands } as never });

describeEngine({
  name: 'a component with commands of its own',
  stage,
  exit: { code: null, signal: null },
  tellsRuns: false,
  troubles: [
    {
      what: 'its command is not there',
      make: withCommands({ start: ['/no/such/program'] }),
      says: /^Could not start "worker": "\/no\/such\/program" could not be started: there is no \/no\/such\/program\.$/,
    },
    {
      what: 'its working folder is not there',
      make: async (on) => ({ ...on.plan(), cwd: '/no/such/folder' }),
      says: /"\/bin\/sh" could not be started: its working folder \/no\/such\/folder does not exist\.$/,
    },
    {
      what: 'its working folder is none',
      make: async (on) => ({ ...on.plan(), cwd: '/dev/null' }),
      says: /"\/bin\/sh" could not be started: its working folder \/dev\/null is not a folder\.$/,
    },
    {
      what: 'its command is in no folder of PATH',
      make: withCommands({ status: ['no-such-program'] }),
      says: /"no-such-program" could not be started: it is not in any folder of PATH \(.+\)\.$/,
    },
    {
      what: 'it may not be run',
      make: async (on) => withCommands({ status: [join((on as ReturnType<typeof stage>).folder, 'ctl')] })(on),
      says: /could not be started: it is not executable by this user/,
    },
    {
      what: 'its start failed, with the last words of it',
      make: withCommands({ start: ['/bin/sh', '-c', 'echo no room >&2; exit 7'] }),
      says: /its "start" ended with 7: no room\.$/,
    },
    {
      what: 'it hangs',
      make: withCommands({ start: ['/bin/sleep', '60'], timeout: 300 }),
      says: /"\/bin\/sleep" did not end within 300ms\.$/,
    },
    {
      what: 'it has started nothing',
      make: async (on) => ({ ...(await withCommands({ start: ['/bin/true'] })(on)), startTimeoutMs: 100 }),
      says: /its "start" ended with 0, but "status" says that it does not run\.$/,
    },
  ],
});

describe('commands of a component', () => {
  it('know whom they are for, and write to its output', async () => {
    const on = stage();
    const driver = on.driver();
    onTestFinished(() => driver.close());
    const running = await driver.start(on.plan());
    expect(running.outputTail('stdout', 100)).toBe('starting worker\n');
    await running.kill();
  });

  it('tell by "status" that something is wrong with what has ended', async () => {
    const on = stage();
    const driver = on.driver();
    onTestFinished(() => driver.close());
    const plan = on.plan({
      engine: { ...settings(''), ...on.plan().engine, status: ['/bin/sh', '-c', `. ${on.folder}/status`] } as never,
    });
    writeFileSync(join(on.folder, 'status'), 'exit 0');
    const running = await driver.start(plan);
    writeFileSync(join(on.folder, 'status'), 'exit 1');
    await running.exited;
    expect(running.verdict?.()).toEqual({ oomKilled: null, failure: 'status_1' });
  });

  it('are not waited for when nobody wants it any more, and what comes up is stopped', async () => {
    const on = stage();
    const driver = on.driver();
    onTestFinished(() => driver.close());
    const unwanted = new AbortController();
    const plan = on.plan({
      engine: {
        ...settings(''),
        ...on.plan().engine,
        start: ['/bin/touch', join(on.folder, 'begun')],
        stop: ['/bin/touch', join(on.folder, 'stopped')],
      } as never,
      startTimeoutMs: 600_000,
    });
    const started = driver.start(plan, unwanted.signal);
    await until('its start', () => existsSync(join(on.folder, 'begun')));
    unwanted.abort();
    await (await started).stop({ signal: 'SIGTERM', timeout: 10_000 });
    expect(existsSync(join(on.folder, 'stopped'))).toBe(true);
  });

  it.each([
    {
      when: 'its start runs',
      commands: { start: 'echo $$ > begun; setsid sleep 600 & echo $! > pid; sleep 600' },
    },
    {
      when: 'it is asked whether it runs',
      commands: { status: 'echo $$ > begun; [ -e stopped ] && exit 3; sleep 600' },
    },
  ])('are cut off when its end is wanted while $when', async ({ commands }) => {
    const on = stage();
    const driver = on.driver();
    onTestFinished(() => driver.close());
    const unwanted = new AbortController();
    const own = Object.entries({ stop: 'touch stopped; kill $(cat pid); rm pid', ...commands });
    const engine = {
      ...settings(join(on.folder, 'ctl')),
      ...Object.fromEntries(own.map(([word, script]) => [word, ['/bin/sh', '-c', script]])),
      timeout: 600_000,
      interval: 600_000,
    };
    const started = driver.start(on.plan({ engine, cwd: on.folder, startTimeoutMs: 600_000 }), unwanted.signal);
    await until('it to be at it', () => existsSync(join(on.folder, 'begun')));
    unwanted.abort();
    const running = await started;
    await running.stop({ signal: 'SIGTERM', timeout: 20_000 });
    expect(existsSync(join(on.folder, 'stopped'))).toBe(true);
    expect(on.runs()).toBe(false);
  });

  it('that were cut off leave nothing of what they had begun, though "status" knows nothing of it', async () => {
    const on = stage();
    const driver = on.driver();
    onTestFinished(() => driver.close());
    const unwanted = new AbortController();
    const engine = {
      ...settings(join(on.folder, 'ctl')),
      start: ['/bin/sh', '-c', 'setsid sleep 600 & echo $! > stray; sleep 600'],
    };
    const stray = () => Number(readFileSync(join(on.folder, 'stray'), 'utf8'));
    const started = driver.start(on.plan({ engine, cwd: on.folder }), unwanted.signal);
    await until('it to be at it', () => existsSync(join(on.folder, 'stray')) && stray() > 0);
    expect(isAlive(stray())).toBe(true);
    unwanted.abort();
    // There is no file with a pid: its "stop" fails.
    await (await started).stop({ signal: 'SIGTERM', timeout: 20_000 });
    expect(isAlive(stray())).toBe(false);
  });

  it('leave nothing behind when it does not come up', async () => {
    const on = stage();
    const driver = on.driver();
    onTestFinished(() => driver.close());
    const engine = { ...settings(''), ...on.plan().engine, status: ['/bin/false'] } as never;
    await expect(driver.start(on.plan({ engine, startTimeoutMs: 100 }))).rejects.toThrow('does not run');
    expect(on.runs()).toBe(false);
  });
});

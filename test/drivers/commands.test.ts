import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { describeEngine } from '../contracts/engine.ts';
import { isAlive } from '../support/daemon.ts';
import { until } from '../support/temp.ts';
import { commandsStage as stage, settings } from './stages/commands.ts';

type Staged = ReturnType<typeof stage>;

const withCommands = (commands: Partial<ReturnType<typeof settings>>) => (on: Staged) =>
  on.plan({ engine: { ...settings(''), ...on.plan().engine, ...commands } as never });

describeEngine({
  name: 'a component with commands of its own',
  stage,
  tellsRuns: false,
  troubles: [
    {
      what: 'its working folder is not there',
      make: (on) => ({ ...on.plan(), cwd: '/no/such/folder' }),
      says: /"\/bin\/sh" could not be started: its working folder \/no\/such\/folder does not exist\.$/,
    },
    {
      what: 'its working folder is none',
      make: (on) => ({ ...on.plan(), cwd: '/dev/null' }),
      says: /"\/bin\/sh" could not be started: its working folder \/dev\/null is not a folder\.$/,
    },
    {
      what: 'its command is in no folder of PATH',
      make: withCommands({ status: ['no-such-program'] }),
      says: /"no-such-program" could not be started: it is not in any folder of PATH \(.+\)\.$/,
    },
    {
      what: 'it may not be run',
      make: (on) => withCommands({ status: [join(on.folder, 'ctl')] })(on),
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
      make: (on) => ({ ...withCommands({ start: ['/bin/true'] })(on), startTimeoutMs: 100 }),
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

  it('are cut off when its end is wanted while it is asked whether it runs', async () => {
    const on = stage();
    const driver = on.driver();
    onTestFinished(() => driver.close());
    const unwanted = new AbortController();
    const engine = {
      ...settings(join(on.folder, 'ctl')),
      status: ['/bin/sh', '-c', 'echo $$ > begun; [ -e stopped ] && exit 3; sleep 600'],
      stop: ['/bin/touch', 'stopped'],
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

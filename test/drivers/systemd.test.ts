import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createSystemdDriver } from '../../src/drivers/systemd.ts';
import { describeEngine } from '../contracts/engine.ts';
import { tempFolder, until } from '../support/temp.ts';
import { settings, systemdStage as stage, UNIT } from './stages/systemd.ts';
import { planFor } from './support.ts';

type Staged = ReturnType<typeof stage>;

const trouble = (what: string) => (on: Staged) => {
  on.systemd.trouble(what);
  return on.plan();
};

describeEngine({
  name: 'a unit of systemd',
  stage,
  tellsRuns: true,
  troubles: [
    {
      what: 'the unit is masked',
      make: (on) => {
        on.systemd.set(UNIT, 'load', 'masked');
        return on.plan();
      },
      says: /the unit is masked \(systemctl unmask\)\.$/,
    },
    { what: 'it may not be started', make: trouble('denied'), says: /systemctl start: .*Access denied\.$/ },
    { what: 'systemd is away', make: trouble('away'), says: /Failed to connect to bus: Connection refused\.$/ },
    { what: 'the answer is none', make: trouble('garbage'), says: /systemctl show: the answer cannot be read\.$/ },
    {
      what: 'systemd does not answer',
      make: (on) => {
        trouble('slow')(on);
        return on.plan({ engine: { ...settings, timeout: 200 } });
      },
      says: /"systemctl" did not end within 200ms\.$/,
    },
    {
      what: 'it ended at once',
      make: (on) => {
        on.systemd.define(UNIT, 'exit 3');
        on.systemd.set(UNIT, 'quick', '');
        return on.plan();
      },
      says: /systemd started it, and it ended at once \(exit-code, exit code 3\)\.$/,
    },
  ],
});

describe('a unit', () => {
  const begin = () => {
    const on = stage();
    const driver = on.driver();
    onTestFinished(() => driver.close());
    return { on, start: () => driver.start(on.plan()) };
  };

  it('is known by its main process, its use of the machine and its state', async () => {
    const { on, start } = begin();
    on.systemd.set(UNIT, 'memory', '1048576');
    on.systemd.set(UNIT, 'cpu', '1000000');
    const running = await start();
    expect(running.process?.pid).toBe(on.systemd.pid(UNIT));
    expect(running.engine?.run).toMatch(/^[0-9a-f]{32}$/);
    expect(running.health?.()).toEqual({ status: 'healthy', message: 'active (running)' });
    const usage = await until('a reading', () => running.usage() ?? undefined);
    expect(usage).toMatchObject({ residentBytes: 2 ** 20, openFds: null });
    await running.kill();
  });

  it('brings along what it wrote and how systemd calls its end', async () => {
    const { on, start } = begin();
    const go = join(tempFolder(), 'go');
    on.systemd.define(UNIT, `echo last words; while [ ! -e ${go} ]; do sleep 0.05; done; exit 7`);
    const running = await start();
    writeFileSync(go, '');
    expect(await running.exited).toEqual({ code: 7, signal: null });
    expect(running.verdict?.()).toEqual({ oomKilled: false, failure: 'exit-code' });
    expect(running.outputTail('stderr', 100)).toBe('last words\n');
  });

  it('was killed for its memory when systemd says so', async () => {
    const { on, start } = begin();
    const running = await start();
    on.systemd.set(UNIT, 'result.next', 'oom-kill');
    await on.systemd.kill(UNIT);
    expect(await running.exited).toEqual({ code: null, signal: 'SIGKILL' });
    expect(running.verdict?.()).toEqual({ oomKilled: true, failure: 'oom-kill' });
  });

  it('that systemd will start again has ended all the same', async () => {
    const { on, start } = begin();
    const running = await start();
    on.systemd.set(UNIT, 'active', 'activating');
    on.systemd.set(UNIT, 'sub', 'auto-restart');
    await running.exited;
    on.systemd.set(UNIT, 'active', 'active');
  });
});

describe('the real systemctl', () => {
  const real = (() => {
    try {
      execFileSync('systemctl', ['--version']);
      return true;
    } catch {
      return false;
    }
  })();

  it.runIf(real)(
    'is understood: what it says of a unit that is not there, or of a system without systemd',
    async () => {
      const driver = createSystemdDriver({ clock: systemClock, onProblem: () => {} });
      onTestFinished(() => driver.close());
      const refused = driver.start(planFor([], { engine: { ...settings, unit: 'paramedic-no-such.service' } }));
      await expect(refused).rejects.toThrow(/knows no unit of this name|not been booted with systemd|connect to bus/);
      await expect(refused).rejects.toThrow(/^[^\n]+$/);
    },
  );
});

import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createSystemdDriver } from '../../src/drivers/systemd.ts';
import { describeEngine, type Stage } from '../contracts/engine.ts';
import { FakeSystemd } from '../support/fake-systemd.ts';
import { tempFolder, until } from '../support/temp.ts';
import { planFor } from './support.ts';

const UNIT = 'redis.service';
const settings = {
  kind: 'systemd',
  unit: UNIT,
  user: false,
  interval: 50,
  timeout: 10_000,
  keep_running: false,
} as const;

function stage(): Stage & { readonly systemd: FakeSystemd } {
  const systemd = new FakeSystemd();
  systemd.define(UNIT, 'exec sleep 600');
  const problems: string[] = [];
  onTestFinished(() => systemd.kill(UNIT));
  return {
    systemd,
    problems,
    plan: (changes) => planFor([], { engine: settings, ...changes }),
    runs: () => systemd.runs(UNIT),
    end: () => systemd.kill(UNIT),
    driver: () =>
      createSystemdDriver({
        clock: systemClock,
        onProblem: (what, error) => problems.push(`${what}: ${String(error)}`),
        env: { PATH: systemd.path },
      }),
    startElsewhere: () => void execFileSync('systemctl', ['start', UNIT], { env: { PATH: systemd.path } }),
    beDeaf: () => {
      const file = join(tempFolder(), 'deaf');
      systemd.define(UNIT, `trap '' TERM; touch ${file}; while :; do sleep 0.05; done`);
      return () => existsSync(file);
    },
    beSlow: () => {
      systemd.set(UNIT, 'hangs', '');
      return { begun: () => systemd.get(UNIT, 'active') === 'activating', goOn: () => {} };
    },
    away: () => systemd.trouble('away'),
    back: () => systemd.trouble('away', false),
  };
}

const trouble = (what: string) => async (on: Stage) => {
  (on as ReturnType<typeof stage>).systemd.trouble(what);
  return on.plan();
};

describeEngine({
  name: 'a unit of systemd',
  stage,
  exit: { code: null, signal: 'SIGKILL' },
  tellsRuns: true,
  troubles: [
    {
      what: 'there is no such unit',
      make: async (on) => on.plan({ engine: { ...settings, unit: 'no.service' } }),
      says: /^Could not start "no\.service": systemd knows no unit of this name\.$/,
    },
    {
      what: 'the unit is masked',
      make: async (on) => {
        (on as ReturnType<typeof stage>).systemd.set(UNIT, 'load', 'masked');
        return on.plan();
      },
      says: /the unit is masked \(systemctl unmask\)\.$/,
    },
    { what: 'it may not be started', make: trouble('denied'), says: /systemctl start: .*Access denied\.$/ },
    { what: 'systemd is away', make: trouble('away'), says: /Failed to connect to bus: Connection refused\.$/ },
    { what: 'the answer is none', make: trouble('garbage'), says: /systemctl show: the answer cannot be read\.$/ },
    {
      what: 'systemd does not answer',
      make: async (on) => {
        await trouble('slow')(on);
        return on.plan({ engine: { ...settings, timeout: 200 } });
      },
      says: /"systemctl" did not end within 200ms\.$/,
    },
    {
      what: 'it ended at once',
      make: async (on) => {
        const { systemd } = on as ReturnType<typeof stage>;
        systemd.define(UNIT, 'exit 3');
        systemd.set(UNIT, 'quick', '');
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

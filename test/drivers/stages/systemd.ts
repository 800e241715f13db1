import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { createSystemdDriver } from '../../../src/drivers/systemd.ts';
import type { EngineStage } from '../../contracts/engine.ts';
import { FakeSystemd } from '../../support/fake-systemd.ts';
import { tempFolder } from '../../support/temp.ts';
import { planFor } from '../support.ts';

export const UNIT = 'redis.service';
export const settings = {
  kind: 'systemd',
  unit: UNIT,
  user: false,
  interval: 50,
  timeout: 10_000,
  keep_running: false,
} as const;

export function systemdStage(): EngineStage & { readonly systemd: FakeSystemd } {
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
    exit: { code: null, signal: 'SIGKILL' },
    refused: () => ({
      plan: planFor([], { engine: { ...settings, unit: 'no.service' } }),
      says: /^Could not start "no\.service": systemd knows no unit of this name\.$/,
    }),
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

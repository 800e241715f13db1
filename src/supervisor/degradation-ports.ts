import { dirname } from 'node:path';
import type { DegradationDeps, NetworkReading } from '../degradation/index.ts';
import { runCommand } from '../drivers/index.ts';
import { HOST, isFailure } from '../model/index.ts';
import type { House } from './house.ts';
import { isUp } from './state.ts';

/** What a command that switches a feature finds in its environment, beside what it is told. */
const INHERITED = ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR', 'SystemRoot', 'TEMP', 'PATHEXT'];

/** What the level of degradation asks of the house around it. */
export function degradationPorts(
  house: () => House,
): Pick<DegradationDeps, 'read' | 'goneBecause' | 'allWell' | 'incidentOf' | 'run'> {
  return {
    read() {
      const { host } = house().readings;
      return { cpu: host?.cpuRatio ?? null, memory: host?.memoryRatio ?? null, network: networkOf(house()) };
    },
    goneBecause(component) {
      const { held, state } = house().bus.record(component);
      if (held) return 'was stopped';
      if (state.is === 'failed') return 'has failed';
      return state.is === 'stopped' && state.settled && !state.done ? 'has ended and is not started again' : null;
    },
    allWell: () =>
      house().phase === 'supervising' && [...house().roster].every((keeper) => isWell(house(), keeper.name)),
    incidentOf: (component) => house().incidents.of(component)?.id,
    run(command, timeoutMs, env, signal) {
      const inherited = INHERITED.flatMap((name) => {
        const value = process.env[name];
        return value === undefined ? [] : [[name, value] as const];
      });
      const cwd = dirname(house().loaded.file);
      return runCommand(command, { cwd, env: { ...Object.fromEntries(inherited), ...env }, timeoutMs, signal });
    },
  };
}

/**
 * Lost when each of the host's network checks that has run has failed as often as its threshold says; connected as soon
 * as one of them has succeeded. Unknown outcomes say nothing.
 */
function networkOf({ monitor, loaded }: House): NetworkReading | null {
  const checks = monitor.checks(HOST).filter(({ kind }) => kind === 'network');
  const looked = checks.filter(({ at }) => at !== null);
  if (looked.some(({ outcome }) => outcome === 'healthy' || outcome === 'degraded')) return 'connected';
  const isLost = ({ check, outcome, consecutiveFailures }: (typeof looked)[number]): boolean => {
    const threshold = loaded.config.host.checks[check]?.failure_threshold ?? 1;
    return outcome === 'critical' || (isFailure(outcome) && consecutiveFailures >= threshold);
  };
  if (looked.length > 0 && looked.every(isLost)) return 'lost';
  return looked.length < checks.length || looked.some(({ outcome }) => isFailure(outcome)) ? 'failing' : null;
}

/** Whoever is not meant to run, or was given up, holds up nobody. */
function isWell({ bus, roster }: House, name: Parameters<House['bus']['record']>[0]): boolean {
  const { state, held } = bus.record(name);
  const settled = state.is === 'failed' || (state.is === 'stopped' && state.settled);
  return held || settled || !roster.find(name)?.config.enabled || isUp(state);
}

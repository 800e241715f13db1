import { dirname } from 'node:path';
import { changeBy, type DegradationDeps } from '../degradation/index.ts';
import { runCommand } from '../drivers/index.ts';
import { HOST, isFailure } from '../model/index.ts';
import type { House } from './house.ts';
import { lastDecision, type Past } from './past.ts';
import { isUp } from './state.ts';

/** What a command that switches a feature finds in its environment, beside what it is told. */
const INHERITED = ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR', 'SystemRoot', 'TEMP', 'PATHEXT'];

/** What the level of degradation asks of the house around it. */
export function degradationPorts(
  house: () => House,
  past: Pick<Past, 'decisions'>,
): Pick<DegradationDeps, 'read' | 'goneBecause' | 'allWell' | 'incidentOf' | 'run'> {
  return {
    read() {
      const { host } = house().readings;
      return { cpu: host?.cpuRatio ?? null, memory: host?.memoryRatio ?? null, connected: isConnected(house()) };
    },
    goneBecause(component) {
      const { held, state } = house().bus.record(component);
      if (held) return 'was stopped';
      if (state.is === 'failed') return 'has failed';
      // Left as it ended: the decision tells whether that was welcome.
      const last = state.is === 'stopped' && state.settled ? lastDecision(past, component) : undefined;
      return last ? (changeBy(last)?.why ?? null) : null;
    },
    allWell: () =>
      house().phase === 'supervising' && [...house().roster].every((keeper) => isWell(house(), keeper.name)),
    incidentOf: (component) => house().incidents.of(component)?.id,
    run(command, timeoutMs, env) {
      const inherited = INHERITED.flatMap((name) => {
        const value = process.env[name];
        return value === undefined ? [] : [[name, value] as const];
      });
      const cwd = dirname(house().loaded.file);
      return runCommand(command, { cwd, env: { ...Object.fromEntries(inherited), ...env }, timeoutMs });
    },
  };
}

/** The network is lost when each of the host's network checks has failed as often as its threshold says. */
function isConnected({ monitor, loaded }: House): boolean | null {
  const looked = monitor.checks(HOST).filter(({ kind, at }) => kind === 'network' && at !== null);
  if (looked.length === 0) return null;
  return !looked.every(({ check, outcome, consecutiveFailures }) => {
    const threshold = loaded.config.host.checks[check]?.failure_threshold ?? 1;
    return outcome === 'critical' || (isFailure(outcome) && consecutiveFailures >= threshold);
  });
}

/** Whoever is not meant to run, or was given up, holds up nobody. */
function isWell({ bus, roster }: House, name: Parameters<House['bus']['record']>[0]): boolean {
  const { state, held } = bus.record(name);
  const settled = state.is === 'failed' || (state.is === 'stopped' && state.settled);
  return held || settled || !roster.find(name)?.config.enabled || isUp(state);
}

import type { ComponentConfig } from '../config/index.ts';
import type { StartPlan } from '../drivers/index.ts';
import type { ComponentName, Decision, EpochMs, IncarnationId, Priority } from '../model/index.ts';
import type { Target } from '../remediation/index.ts';
import { decide, maintenanceAt, toBlame, type RestartRequest } from '../restart/index.ts';
import { traceparent } from '../telemetry/index.ts';
import { createAutopsy } from './autopsy.ts';
import type { House } from './house.ts';
import { Keeper, type BlameOutcome } from './keeper.ts';
import { isUp, processOf } from './state.ts';

/** Makes keepers for a house: gives each what it may ask of the others. */
export function createKeepers(house: House, afterSpawn: (component: ComponentName) => void) {
  const autopsy = createAutopsy(house);

  return (name: ComponentName, config: ComponentConfig): Keeper => {
    const record = () => house.bus.record(name);
    const keeper: Keeper = new Keeper(name, config, {
      clock: house.clock,
      random: Math.random,
      emit: house.bus.emit,
      driver: house.driver,
      monitor: house.monitor,
      record,
      decide: (request) => decideFor(house, keeper, request),
      plan: (incarnation) => startPlan(house, keeper, incarnation),
      autopsy: (life, exit, killedFor) =>
        autopsy({
          component: name,
          plan: () => startPlan(house, keeper, life.incarnation),
          usage: house.readings.of(name).usage,
          startedAt: record().startedAt,
          life,
          exit,
          killedFor,
        }),
      unmet: () => unmetOf(house, keeper),
      blame: (dependency) => blame(house, keeper, dependency),
      outcomeOf: (dependency, at) => outcomeOf(house, dependency, at),
      afterSpawn,
    });
    return keeper;
  };
}

/** What would be decided for this component now; pure but for the reading of the house. */
export function decideFor(house: House, keeper: Keeper, request: RestartRequest): Decision {
  const { config } = house.loaded;
  const now = house.clock.now();
  const { restart: policy, priority } = keeper.config;
  return decide(
    request,
    {
      record: house.bus.record(keeper.name),
      policy,
      priority,
      restarts: house.ledger.of(keeper.name, policy.restart_window, now),
      faults: house.ledger.faults(keeper.name, now),
      toBlame: toBlame(dependenciesOf(house, keeper), policy.restart_window, now),
      hostRestarts: house.ledger.host(now),
      hostLimit: config.restart.max_restarts_per_hour,
      recovering: recoveringBeside(house, keeper.name),
      maintenance: maintenanceAt(config.maintenance_windows, now),
    },
    now,
  );
}

/** What the loop asks for a dependency that is to blame. */
const BLAMED: RestartRequest = { reason: 'health', by: 'supervisor', force: false, crash: null };

function dependenciesOf(house: House, { name, config }: Keeper) {
  return config.depends_on.flatMap((other) => {
    const dependency = house.roster.find(other);
    if (!dependency) return [];
    const { state, held, lastCrashAt } = house.bus.record(dependency.name);
    const meant = dependency.config.enabled && !held && state.is !== 'failed';
    const settled = state.is === 'stopped' && state.settled;
    return {
      name: dependency.name,
      unhealthy: state.is === 'running' && !isUp(state),
      lastCrashAt,
      blamedAt: house.ledger.blamed(name).get(dependency.name) ?? null,
      canRestart:
        meant && !settled && (comesBack(house, dependency) || decideFor(house, dependency, BLAMED).kind === 'restart'),
    };
  });
}

const comesBack = (house: House, { name, busy }: Keeper): boolean => busy || house.bus.record(name).recovery !== null;

function blame(house: House, { name }: Keeper, dependency: ComponentName): void {
  const keeper = house.roster.find(dependency);
  if (keeper && !comesBack(house, keeper)) keeper.request(BLAMED, { why: `${name} fails because of it` });
}

function outcomeOf(house: House, dependency: ComponentName, at: EpochMs): BlameOutcome {
  const keeper = house.roster.find(dependency);
  const { state, readyAt } = house.bus.record(dependency);
  if (keeper && state.is === 'running' && readyAt !== null && readyAt > at) return 'restarted';
  return keeper && state.is !== 'failed' && comesBack(house, keeper) ? 'pending' : 'in vain';
}

/** What a webhook must know of a component before it acts on it; undefined: there is none. */
export function remediationTarget(house: House, component: string, force: boolean): Target | undefined {
  const keeper = house.roster.find(component);
  if (!keeper) return undefined;
  const { held, healthySince, recovery } = house.bus.record(keeper.name);
  return {
    held,
    enabled: keeper.config.enabled,
    healthySince: healthySince ?? null,
    busy: keeper.busy || recovery !== null,
    restart: decideFor(house, keeper, { reason: 'alert', by: 'webhook', force, crash: null }),
  };
}

/** A recovery that waits (for a delay, a dependency, a budget) needs nothing of the machine and holds nobody up. */
function recoveringBeside(house: House, name: ComponentName): Priority[] {
  return [...house.roster].flatMap((other) =>
    other.name !== name && other.busy && house.bus.record(other.name).recovery ? [other.config.priority] : [],
  );
}

/** What a start of it waits for: dependencies, and in recovery mode the components of minimal recovery. */
export function unmetOf(house: House, keeper: Keeper): ComponentName[] {
  const up = (name: ComponentName) => isUp(house.bus.record(name).state);
  const unmet = (keeper.config.depends_on as ComponentName[]).filter((dependency) => !up(dependency));
  if (!house.minimalFirst || isMinimal(keeper.config)) return unmet;
  return [
    ...unmet,
    ...[...house.roster].filter((other) => isWantedFirst(house, other) && !up(other.name)).map(({ name }) => name),
  ];
}

/** In recovery mode the others wait for it. One that nobody means to run, or brings back, holds nobody up. */
export function isWantedFirst(house: House, { name, config }: Keeper): boolean {
  const { held, state } = house.bus.record(name);
  const given = state.is === 'failed' || (state.is === 'stopped' && state.settled);
  return isMinimal(config) && config.enabled && !held && !given;
}

/** It is part of the first round of recovery mode. */
export const isMinimal = (config: ComponentConfig): boolean =>
  config.minimal_recovery ?? config.priority === 'critical';

function startPlan(house: House, { name, config }: Keeper, incarnation: IncarnationId): StartPlan {
  const inherited = config.env_inherit.flatMap((key) => {
    const value = process.env[key];
    return value === undefined ? [] : [[key, value] as const];
  });
  return {
    component: name,
    incarnation,
    command: config.command,
    cwd: config.cwd,
    logs: config.logs,
    env: {
      ...Object.fromEntries(inherited),
      ...config.env,
      PARAMEDIC_URL: house.url,
      PARAMEDIC_COMPONENT: name,
      PARAMEDIC_INCARNATION: incarnation,
      PARAMEDIC_TOKEN: house.credentials.componentToken(name, incarnation),
      // Sampled always: a program that follows us in this (parent-based) would otherwise lose its own traces.
      TRACEPARENT: traceparent(incarnation, house.incidents.of(name)?.id),
      PARAMEDIC_RECOVERY_MODE: house.recoveryMode ? '1' : '0',
    },
  };
}

/** Begins (or renews) the watch of its checks. */
export function watch(house: House, keeper: Keeper): void {
  const { name } = keeper;
  house.monitor.watch({
    component: name,
    checks: keeper.config.checks,
    cwd: keeper.config.cwd,
    periodMs: keeper.config.start.period,
    subject: {
      process: () => processOf(house.bus.record(name).state),
      usage: () => keeper.life?.running?.usage() ?? null,
      heartbeat: () => house.monitor.lastHeartbeat(name),
      startedAt: () => house.bus.record(name).startedAt,
    },
  });
}

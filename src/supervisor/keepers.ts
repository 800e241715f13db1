import type { ComponentConfig } from '../config/index.ts';
import { examineHung } from '../crashes/index.ts';
import { engineOf, readStat, sameProcess, treeOf, type StartPlan } from '../drivers/index.ts';
import type { ComponentName, IncarnationId } from '../model/index.ts';
import { traceparent } from '../telemetry/index.ts';
import { createAutopsy } from './autopsy.ts';
import type { House } from './house.ts';
import { Keeper } from './keeper.ts';
import { heartbeatWithin } from './notify.ts';
import { createAskToLeave } from './leave.ts';
import { leansOn } from './roster.ts';
import { blame, decideFor, outcomeOf } from './situation.ts';
import { isUp } from './state.ts';

/** Makes keepers for a house: gives each what it may ask of the others. */
export function createKeepers(house: House, afterSpawn: (component: ComponentName) => void) {
  const autopsy = createAutopsy(house);
  const askToLeave = createAskToLeave(house);

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
      nextLife: () => house.credentials.nextLife(name),
      plan: (incarnation) => startPlan(house, keeper, incarnation),
      askToLeave,
      autopsy: (life, exit, killedFor, hung) =>
        autopsy({
          component: name,
          // What lives inside another's process shares its secrets.
          plan: () => startPlan(house, house.roster.processOf(name) ?? keeper, life.incarnation),
          usage: house.readings.of(name).usage,
          startedAt: record().startedAt,
          life,
          exit,
          killedFor,
          hung,
        }),
      examine: async ({ process }, withinMs) =>
        process && sameProcess(process) ? examineHung(treeOf(process.pid), withinMs) : null,
      kernelState: ({ process }) => (process && readStat(process.pid)?.state) ?? null,
      unmet: () => unmetOf(house, keeper),
      blame: (dependency) => blame(house, keeper, dependency),
      outcomeOf: (dependency, at) => outcomeOf(house, dependency, at),
      afterSpawn,
    });
    return keeper;
  };
}

/** What a start of it waits for: dependencies, and in recovery mode the components of minimal recovery. */
export function unmetOf(house: House, keeper: Keeper): ComponentName[] {
  const up = (name: ComponentName) => isUp(house.bus.record(name).state);
  const unmet = leansOn(keeper.config).filter((dependency) => !up(dependency));
  if (!house.minimalFirst || isMinimal(keeper.config)) return unmet;
  return [
    ...unmet,
    ...[...house.roster].filter((other) => isWantedFirst(house, other) && !up(other.name)).map(({ name }) => name),
  ];
}

/** In recovery mode the others wait for it. One that nobody means to run, brings back, or can kill, holds nobody up. */
export function isWantedFirst(house: House, { name, config }: Keeper): boolean {
  const { held, state } = house.bus.record(name);
  const given = state.is === 'failed' || (state.is === 'stopped' && state.settled);
  const unkillable = state.is === 'stopping' && state.why !== undefined;
  return isMinimal(config) && config.enabled && !held && !given && !unkillable;
}

/** It is part of the first round of recovery mode. */
export const isMinimal = (config: ComponentConfig): boolean =>
  config.minimal_recovery ?? config.priority === 'critical';

/** How one life of it is run. */
export function startPlan(house: House, { name, config }: Keeper, incarnation: IncarnationId): StartPlan {
  const inherited = config.env_inherit.flatMap((key) => {
    const value = process.env[key];
    return value === undefined ? [] : [[key, value] as const];
  });
  return {
    component: name,
    incarnation,
    command: config.command ?? [],
    engine: engineOf(config),
    startTimeoutMs: config.start.timeout,
    cwd: config.cwd,
    logs: config.logs,
    user: config.user,
    group: config.group,
    nice: config.nice,
    env: {
      ...Object.fromEntries(inherited),
      ...notifyEnv(house, config),
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

/** One whose heartbeats are waited for may send them as it would to systemd. */
function notifyEnv(house: House, config: ComponentConfig): Record<string, string> {
  const withinMs = heartbeatWithin(config);
  const address = withinMs === null ? null : house.notify.address();
  return address === null ? {} : { NOTIFY_SOCKET: address, WATCHDOG_USEC: String((withinMs ?? 0) * 1_000) };
}

/** Begins (or renews) the watch of its checks. */
export function watch(house: House, keeper: Keeper): void {
  const { name } = keeper;
  // One that was adopted speaks to where an earlier daemon has listened.
  if (heartbeatWithin(keeper.config) !== null) house.notify.address();
  house.monitor.watch({
    component: name,
    checks: keeper.config.checks,
    cwd: keeper.config.cwd,
    periodMs: keeper.config.start.period,
    subject: {
      process: () => keeper.process,
      usage: () => keeper.life?.running?.usage() ?? null,
      engine: () => keeper.life?.running?.health?.() ?? null,
      heartbeat: () => house.monitor.lastHeartbeat(name),
      startedAt: () => house.bus.record(name).startedAt,
      ping: house.pings.of,
    },
  });
}

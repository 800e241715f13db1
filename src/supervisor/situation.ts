import type { CheckpointId, ComponentName, Decision, EpochMs, Priority } from '../model/index.ts';
import type { Target } from '../remediation/index.ts';
import { decide, maintenanceAt, toBlame, type RestartRequest } from '../restart/index.ts';
import type { BlameOutcome } from './deferral.ts';
import type { House } from './house.ts';
import type { Keeper } from './keeper.ts';
import { leansOn } from './roster.ts';
import { isUp } from './state.ts';

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
      toBlame: toBlame(suspectsFor(house, keeper, request), policy.restart_window, now),
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

/** Of one that does not answer inside its parent that alone is a suspect. */
function suspectsFor(house: House, { name, config }: Keeper, { unanswered = false }: RestartRequest) {
  return leansOn(config).flatMap((other) => {
    const parent = other === config.parent?.name;
    if (unanswered && !parent) return [];
    const dependency = house.roster.find(other);
    if (!dependency) return [];
    const { state, held, lastCrashAt } = house.bus.record(dependency.name);
    const meant = dependency.config.enabled && !held && state.is !== 'failed';
    const settled = state.is === 'stopped' && state.settled;
    return {
      name: dependency.name,
      parent,
      unhealthy: state.is === 'running' && !isUp(state),
      lastCrashAt,
      blamedAt: house.ledger.blamed(name).get(dependency.name) ?? null,
      canRestart:
        meant && !settled && (comesBack(house, dependency) || decideFor(house, dependency, BLAMED).kind === 'restart'),
    };
  });
}

const comesBack = (house: House, { name, busy }: Keeper): boolean => busy || house.bus.record(name).recovery !== null;

/** Has a dependency restarted that is to blame, unless it is being brought back already. */
export function blame(house: House, { name }: Keeper, dependency: ComponentName): void {
  const keeper = house.roster.find(dependency);
  if (keeper && !comesBack(house, keeper)) keeper.request(BLAMED, { why: `${name} fails because of it` });
}

export function outcomeOf(house: House, dependency: ComponentName, at: EpochMs): BlameOutcome {
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

/** Checkpoints that are not given back to it: it has crashed too often soon after it was given them. */
export const doubtedOf = (house: House, { name, config }: Keeper): ReadonlySet<CheckpointId> =>
  house.doubts.of(name, { poisoned_after: config.state.poisoned_after, soonMs: config.restart.restart_window });

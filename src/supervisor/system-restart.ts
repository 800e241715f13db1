import type { ComponentName, EpochMs, EventOf, RecoveryEvent } from '../model/index.ts';
import { restartsSystem } from '../restart/index.ts';
import type { House } from './house.ts';
import type { Keeper } from './keeper.ts';
import { isMinimal } from './keepers.ts';
import { orUnkillable } from './life.ts';

/** One that a dead daemon had begun so long ago is not gone on with: whatever lives now lives well without it. */
const STALE_MS = 600_000;

/** The last rung of the ladder: all is stopped in reverse order and started again, what is needed most first. */
export interface SystemRestart {
  /** A component was given up: decides, and carries it out. */
  afterFailure(event: EventOf<'component.failed'>): void;
  /** Whether it would come, if this component were given up now by this rule. */
  wouldCome(keeper: Keeper, rule: string): boolean;
  /** Finishes what the daemon before this one had begun, or drops it. */
  resume(): void;
}

export interface SystemRestartDeps {
  readonly house: House;
  /** What earlier daemons have stated of it, oldest first. */
  readonly past: readonly RecoveryEvent[];
  /** They were stopped together with their components: nothing is left to be finished. */
  readonly clean: boolean;
  /** In recovery mode: looks whether the others may start. */
  readonly look: () => void;
  readonly onError: (error: unknown) => void;
}

/** What the daemons before this one have begun and not finished. */
function unfinishedOf(past: readonly RecoveryEvent[]): EventOf<'system.restarting'> | undefined {
  const last = past.at(-1);
  return last?.type === 'system.restarting' ? last : undefined;
}

/** Whether this daemon goes on with what the one before it had begun. */
export function goesOn({ past, clean }: Pick<SystemRestartDeps, 'past' | 'clean'>, now: EpochMs): boolean {
  const unfinished = unfinishedOf(past);
  return unfinished !== undefined && !clean && now - unfinished.at < STALE_MS;
}

export function createSystemRestart({ house, past, clean, look, onError }: SystemRestartDeps): SystemRestart {
  const { bus, clock, roster } = house;
  let last = past.findLast((event): event is EventOf<'system.restarting'> => event.type === 'system.restarting');
  const unfinished = unfinishedOf(past);
  let underWay = false;

  const wouldCome = ({ name, config }: Keeper, rule: string): boolean =>
    restartsSystem(
      {
        allowed: house.loaded.config.restart.system_restart,
        rule,
        priority: config.priority,
        othersAlive: [...roster].filter((other) => other.name !== name && other.life).length,
        lastAt: last?.at ?? null,
        busy: underWay || house.phase !== 'supervising',
      },
      clock.now(),
    );

  /** It gets another chance, with a fresh budget: this comes once an hour at most. */
  function release(component: ComponentName): void {
    if (roster.find(component) && bus.record(component).state.is === 'failed')
      bus.emit({ type: 'component.released', component, at: clock.now(), by: 'supervisor' });
  }

  const isOurs = (keeper: Keeper): boolean => house.phase !== 'stopping' && roster.find(keeper.name) === keeper;

  /** What an earlier daemon had begun to stop goes; what cannot be killed is waited for no longer than it can be hoped for. */
  const untilGone = ({ life }: Keeper): Promise<void> =>
    life?.ending ? orUnkillable(life, life.ending).catch(() => undefined) : Promise.resolve();

  /** All that is meant to run, what is needed most first; what has failed for good stays down. */
  function startAll(cause: ComponentName | null): void {
    const isToRun = ({ name, config }: Keeper): boolean => {
      const { held, state } = bus.record(name);
      const settled = state.is === 'failed' ? name !== cause : state.is === 'stopped' && state.settled;
      return config.enabled && !held && !settled;
    };
    const begin = (keeper: Keeper): void => {
      const ending = keeper.life?.ending;
      // What cannot be killed is started when it has gone, if it is still meant to run then.
      if (ending) void ending.then(() => isOurs(keeper) && isToRun(keeper) && keeper.begin('boot'));
      else keeper.begin('boot');
    };
    const wanted = [...roster].filter(isToRun);
    for (const keeper of wanted) if (isMinimal(keeper.config)) begin(keeper);
    for (const keeper of wanted) if (!isMinimal(keeper.config)) begin(keeper);
    look();
  }

  async function carryOut(cause: ComponentName, begunAt: EpochMs, stale: boolean): Promise<void> {
    underWay = true;
    try {
      if (stale) await Promise.all([...roster].map(untilGone));
      else await roster.stopAll(`the whole system is restarted: ${cause} has failed`);
      if (house.phase === 'stopping') return;
      if (!stale) {
        release(cause);
        house.recoveryMode = true;
        house.minimalFirst = true;
      }
      startAll(stale ? null : cause);
      const at = clock.now();
      const outcome = stale ? 'dropped' : 'done';
      bus.emit({ type: 'system.restarted', at, cause, outcome, durationMs: Math.max(0, at - begunAt) });
    } finally {
      underWay = false;
    }
  }

  return {
    wouldCome,
    afterFailure({ component: cause, rule, why }) {
      const keeper = roster.find(cause);
      if (!keeper || !wouldCome(keeper, rule)) return;
      last = { type: 'system.restarting', at: clock.now(), cause, why };
      bus.emit(last);
      void carryOut(cause, last.at, false).catch(onError);
    },
    resume() {
      if (!unfinished) return;
      const { cause, at } = unfinished;
      void carryOut(cause, at, !goesOn({ past, clean }, clock.now())).catch(onError);
    },
  };
}

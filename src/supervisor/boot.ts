import type { Clock } from '../clock.ts';
import type { Driver, Survivor } from '../drivers/index.ts';
import type { ComponentName, ComponentRecord, Emit, IncarnationId, ProcessIdentity } from '../model/index.ts';
import type { Keeper } from './keeper.ts';
import { incarnationOf, processOf } from './state.ts';

export interface BootDeps {
  readonly clock: Clock;
  readonly emit: Emit;
  readonly driver: Driver;
  readonly bootId: string;
  /** The daemon before this one was stopped together with its components: everything starts afresh. */
  readonly clean: boolean;
  readonly record: (component: ComponentName) => ComponentRecord;
  /** Living processes whose token is one of ours. */
  readonly survivors: readonly Survivor[];
  /** Kills whatever carries this incarnation in its environment. */
  readonly sweep: (incarnation: IncarnationId) => Promise<void>;
}

/**
 * Takes over what outlived the daemon before this one, ends what should not be there, and starts the rest.
 * @param keepers in an order in which each comes after what it depends on.
 */
export function boot(keepers: readonly Keeper[], deps: BootDeps): void {
  for (const keeper of keepers) {
    const own = deps.survivors.filter(({ component }) => component === keeper.name);
    const { held } = deps.record(keeper.name);
    const taken = keeper.config.enabled && !held ? takeOver(keeper, own, deps) : null;
    for (const incarnation of new Set(own.map((survivor) => survivor.incarnation)))
      if (incarnation !== taken) void deps.sweep(incarnation);
  }
  // Second round: a start looks at its dependencies, and all that live are known by now.
  for (const keeper of keepers) if (!keeper.life) comeBack(keeper, deps);
}

/** @returns the incarnation that is now kept; null: there was none. */
function takeOver(keeper: Keeper, own: readonly Survivor[], { driver, record }: BootDeps): IncarnationId | null {
  const { state } = record(keeper.name);
  const known = incarnationOf(state);
  const leaders = own.filter(({ leader }) => leader).toSorted((a, b) => b.process.startTime - a.process.startTime);
  const candidate =
    leaders.find(({ incarnation }) => incarnation === known) ?? leaders[0] ?? recorded(known, processOf(state));
  if (!candidate) return null;
  const { incarnation, process } = candidate;
  const running = driver.adopt({ component: keeper.name, incarnation, logs: keeper.config.logs }, process);
  if (!running) return null;
  keeper.adopt(running, incarnation);
  return incarnation;
}

/** Where nobody can look into another process, the database alone tells who it was. */
const recorded = (incarnation: IncarnationId | null, process: ProcessIdentity | null) =>
  incarnation !== null && process !== null ? { incarnation, process } : undefined;

/** What becomes of a component of which nothing lives. */
function comeBack(keeper: Keeper, { record, clean, clock, emit, bootId }: BootDeps): void {
  const { state, held, recovery } = record(keeper.name);
  const at = clock.now();
  if (!keeper.config.enabled) return;
  if (clean && (held || state.is === 'failed'))
    emit({ type: 'component.released', component: keeper.name, at, by: 'person' });
  else if (held || state.is === 'failed') return;
  const process = processOf(state);
  const sameBoot = process?.bootId === bootId;
  switch (state.is) {
    case 'running':
      return sameBoot ? keeper.lost(state.incarnation) : keeper.begin('boot');
    case 'starting':
      return process !== null && sameBoot ? keeper.lost(state.incarnation) : keeper.begin('boot');
    case 'backoff':
      return keeper.beginIn(state.until === null ? 0 : state.until - at, recovery?.reason ?? 'boot');
    case 'stopped':
      return state.settled && !clean ? undefined : keeper.begin('boot');
    case 'stopping':
    case 'failed':
      return keeper.begin('boot');
    default:
      return state satisfies never;
  }
}

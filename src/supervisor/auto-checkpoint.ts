import type { Clock } from '../clock.ts';
import type { CheckpointTrigger, ComponentName, EpochMs, RecoveryEvent } from '../model/index.ts';
import type { Commands } from './commands.ts';
import type { Keeper } from './keeper.ts';

/** What a component says of its state with a heartbeat: `urgent` must not wait for the interval. */
export type Dirtiness = 'clean' | 'dirty' | 'urgent';

/** What is known of the state of one component. */
interface Known {
  /** When its newest checkpoint was taken, or since when it has been asked for one. */
  readonly savedAt: EpochMs;
  /** When the oldest change was made that is in no checkpoint; null: there is none; undefined: it does not say. */
  readonly dirtySince: EpochMs | null | undefined;
  /** The component has said since when: it knows what of it is journalled. */
  readonly isTold: boolean;
}

export interface Saveable {
  readonly name: ComponentName;
  readonly intervalMs: number;
}

export interface AutoCheckpointDeps {
  readonly clock: Clock;
  readonly commands: Pick<Commands, 'hears' | 'saveState'>;
  /** Those that are up, with how often they are to be asked. */
  readonly saveable: () => readonly Saveable[];
  readonly journals: (component: ComponentName) => boolean;
}

const ANSWER_MS = 10_000;
/** On a crash the others save what they have, however often something crashes. */
const AFTER_CRASH_MS = 10_000;

export type AutoCheckpoint = ReturnType<typeof createAutoCheckpoint>;

/**
 * Asks components for their state: each at its interval, unless it says that nothing has changed; at once when it says
 * that it is urgent; and those with unsaved changes when another one has crashed. What fails is stated by the store or
 * is tried again.
 */
export function createAutoCheckpoint({ clock, commands, saveable, journals }: AutoCheckpointDeps) {
  const components = new Map<ComponentName, Known>();
  const asking = new Set<ComponentName>();
  let lastCrashAt = -Infinity;

  const knownOf = (component: ComponentName): Known =>
    components.get(component) ?? { savedAt: clock.now(), dirtySince: undefined, isTold: false };
  const learn = (component: ComponentName, change: Partial<Known>): void =>
    void components.set(component, { ...knownOf(component), ...change });

  function ask(component: ComponentName, trigger: CheckpointTrigger): void {
    if (asking.has(component) || !commands.hears(component, 'get_state')) return;
    asking.add(component);
    // One that cannot answer is asked again after an interval, not at every tick.
    learn(component, { savedAt: clock.now() });
    void commands
      .saveState(component, trigger, ANSWER_MS)
      .catch(() => {})
      .finally(() => asking.delete(component));
  }

  /** What was not saved in a life is lost with it: it is at risk no longer. */
  const forget = (component: ComponentName): void => void components.delete(component);

  function saveOthers(crashed: ComponentName): void {
    if (clock.monotonic() - lastCrashAt < AFTER_CRASH_MS) return;
    lastCrashAt = clock.monotonic();
    for (const { name } of saveable())
      if (name !== crashed && typeof knownOf(name).dirtySince === 'number') ask(name, 'interval');
  }

  return {
    /**
     * A component says how its state is.
     * @param dirtyMs age of its oldest change that is neither in a checkpoint nor journalled, when it says so.
     */
    hear(component: ComponentName, dirtiness: Dirtiness, dirtyMs?: number): void {
      const now = clock.now();
      const told = dirtyMs === undefined ? undefined : ((now - dirtyMs) as EpochMs);
      const dirtySince = told ?? knownOf(component).dirtySince ?? now;
      learn(component, { dirtySince: dirtiness === 'clean' ? null : dirtySince, isTold: told !== undefined });
      if (dirtiness === 'urgent') ask(component, 'size');
    },

    read(event: RecoveryEvent): void {
      if (event.type === 'checkpoint.written') {
        const { dirtySince } = knownOf(event.component);
        const covered = typeof dirtySince === 'number' && dirtySince <= event.capturedAt;
        learn(event.component, { savedAt: event.capturedAt, ...(covered && { dirtySince: null }) });
      } else if (event.type === 'component.crashed') {
        saveOthers(event.component);
        forget(event.component);
      } else if (
        event.type === 'component.started' ||
        event.type === 'component.stopped' ||
        event.type === 'component.removed'
      )
        forget(event.component);
    },

    tick(): void {
      for (const { name, intervalMs } of saveable()) {
        const known = knownOf(name);
        if (!components.has(name)) learn(name, {});
        if (known.dirtySince !== null && clock.now() - known.savedAt >= intervalMs) ask(name, 'interval');
      }
    },

    /**
     * How old its oldest change is that a crash would lose now; 0: there is none; undefined: it does not say. One that
     * journals is taken to journal all that it does, as it is when its data loss is told, unless it says otherwise.
     */
    dirtyMs(component: ComponentName): number | undefined {
      const { dirtySince, isTold } = knownOf(component);
      if (dirtySince === undefined) return undefined;
      if (dirtySince === null || (!isTold && journals(component))) return 0;
      return Math.max(0, clock.now() - dirtySince);
    },
  };
}

/** Who is up and stays so for now. */
export function saveableOf(roster: Iterable<Keeper>): Saveable[] {
  const saveable: Saveable[] = [];
  for (const { name, config, life } of roster)
    if (life?.ready && !life.ending) saveable.push({ name, intervalMs: config.state.checkpoint_interval });
  return saveable;
}

import type { RecoverWish, RecoveryMode } from '../actions/index.ts';
import type { ReadCheckpoint, Restored } from '../checkpoints/index.ts';
import { datedId } from '../digest.ts';
import { failure, sentenceOf } from '../errors.ts';
import type { CheckpointId, ComponentName, EventFields, Listener, RecoveryId, Requester } from '../model/index.ts';
import type { House } from './house.ts';
import type { Keeper } from './keeper.ts';
import { isMinimal } from './keepers.ts';

/** What a component is given at its next start in place of the newest; null: nothing. */
interface Pin {
  readonly checkpoint: CheckpointId | null;
  readonly journal: boolean;
  given: boolean;
}

/** Without its state, which may be large. */
type Chosen = Omit<ReadCheckpoint, 'state'>;

type Point = EventFields['system.recovered']['points'][number];

/** Brings components back to what was saved, while they run or by a restart. */
export interface Recover {
  /** What a component continues from that was told to go back; undefined: to what it would continue from anyway. */
  pinned(component: ComponentName): Promise<Restored> | undefined;
  /** Rejects with COMPONENT_NOT_FOUND, CHECKPOINT_NOT_FOUND, CHECKPOINT_CORRUPTED, ACTION_FAILED. */
  run(wish: RecoverWish, by: Requester, restart: (component: string) => Promise<string>): Promise<RecoverDone>;
  readonly hear: Listener;
}
export type RecoverDone = {
  readonly message: string;
  readonly recovery_id: RecoveryId;
  readonly points: readonly Point[];
};

export function createRecover(house: House): Recover {
  const { state, commands, clock, roster, bus } = house;
  const pins = new Map<ComponentName, Pin>();

  const restoredFor = (component: ComponentName, { checkpoint, journal }: Pin): Promise<Restored> =>
    checkpoint === null
      ? state.beginAfresh(component)
      : state.getStateAt(component, checkpoint, { endedAt: clock.now(), journal });

  async function look(checkpoint: CheckpointId): Promise<Chosen> {
    const { state: _, ...info } = await state.read(checkpoint);
    return info;
  }

  /** The one that is meant; else the newest that is valid, read in full: what is damaged is found before anything is touched. */
  async function choose(component: ComponentName, wish: RecoverWish): Promise<Chosen | null> {
    if (wish.mode === 'none') return null;
    if (wish.checkpoint !== undefined) return look(wish.checkpoint as CheckpointId);
    const all = await state.list(component);
    for (const { checkpoint_id: id } of all.filter(({ valid }) => valid)) {
      try {
        return await look(id);
      } catch {
        // The store has said so.
      }
    }
    throw failure('ACTION_FAILED', { action: 'recover', component, why: 'it has no checkpoint that can be read' });
  }

  async function targets(wish: RecoverWish): Promise<Keeper[]> {
    const owner =
      wish.checkpoint === undefined ? undefined : (await state.read(wish.checkpoint as CheckpointId)).component;
    if (owner !== undefined && wish.component !== undefined && wish.component !== owner) {
      const why = `the checkpoint ${wish.checkpoint} is one of "${owner}"`;
      throw failure('ACTION_FAILED', { action: 'recover', component: wish.component, why });
    }
    const named = wish.component ?? owner;
    if (named !== undefined) return [roster.get(named)];
    const saved = new Set((await state.list()).map(({ component }) => component));
    const all = [...roster].filter(({ name, config }) => saved.has(name) && config.enabled && !bus.record(name).held);
    return wish.mode === 'minimal' ? all.filter(({ config }) => isMinimal(config)) : all;
  }

  async function bringBack(
    { name, life }: Keeper,
    chosen: Chosen | null,
    wish: RecoverWish,
    restart: (component: string) => Promise<string>,
  ): Promise<Point> {
    const pin: Pin = { checkpoint: chosen?.checkpoint_id ?? null, journal: wish.journal, given: false };
    // What is journalled is replayed, as far as it is there; of one that does not journal, all since then is lost.
    const replayed = wish.journal && chosen?.through !== null && chosen?.journal_complete;
    const lost = chosen && !replayed;
    const point = {
      component: name,
      checkpoint: pin.checkpoint,
      dataLossMs: lost ? Math.max(0, clock.now() - chosen.at) : 0,
    };
    try {
      if (life?.ready && commands.hears(name, 'set_state')) {
        await commands.setState(name, await restoredFor(name, pin), wish.timeout);
        return { ...point, how: 'set_state', why: null };
      }
      pins.set(name, pin);
      await restart(name);
      return { ...point, how: 'restart', why: null };
    } catch (error) {
      pins.delete(name);
      return { ...point, how: 'none', why: sentenceOf(error) };
    }
  }

  return {
    pinned(component) {
      const pin = pins.get(component);
      if (!pin) return undefined;
      pin.given = true;
      return restoredFor(component, pin);
    },

    async run(wish, by, restart) {
      const recovery = datedId('REC', clock.now()) as RecoveryId;
      const plan: { readonly keeper: Keeper; readonly chosen: Chosen | null }[] = [];
      const points: Point[] = [];
      for (const keeper of await targets(wish)) {
        try {
          plan.push({ keeper, chosen: await choose(keeper.name, wish) });
        } catch (error) {
          if (isWhole(wish.mode)) throw error;
          points.push({ component: keeper.name, checkpoint: null, dataLossMs: 0, how: 'none', why: sentenceOf(error) });
        }
      }
      for (const { keeper, chosen } of plan) {
        const point = await bringBack(keeper, chosen, wish, restart);
        points.push(point);
        if (point.why !== null && isWhole(wish.mode)) break;
      }
      const failed = points.filter(({ why }) => why !== null);
      const outcome = failed.length === 0 ? 'success' : 'failure';
      bus.emit({ type: 'system.recovered', at: clock.now(), recovery, mode: wish.mode, by, outcome, points });
      const [first] = failed;
      if (first && (isWhole(wish.mode) || failed.length === points.length))
        throw failure('ACTION_FAILED', { action: 'recover', component: first.component, why: first.why ?? '' });
      const incomplete = new Set(
        plan.flatMap(({ chosen }) => (chosen?.journal_complete ? [] : [chosen?.checkpoint_id])),
      );
      const done = points
        .filter(({ why }) => why === null)
        .map(({ component, checkpoint }) => {
          const gone = wish.journal && checkpoint !== null && incomplete.has(checkpoint);
          return `${component} from ${checkpoint ?? 'nothing'}${gone ? JOURNAL_GONE : ''}`;
        });
      const missed = failed.map(({ component, why }) => `not ${component}: ${why}`);
      const message =
        done.length + missed.length === 0
          ? 'nothing is saved that could be recovered'
          : `recovered ${[...done, ...missed].join('; ')}`;
      return { message, recovery_id: recovery, points };
    },

    hear(event) {
      if (event.type === 'component.removed') pins.delete(event.component);
      // Before it stops for this it saves its state once more: that must not undo the wish.
      const goesOn = event.type === 'component.ready' || event.type === 'checkpoint.written';
      if (goesOn && pins.get(event.component)?.given) pins.delete(event.component);
    },
  };
}

const JOURNAL_GONE = ' (not all that it journalled since is kept: that is lost)';

/** All of what was asked for, or nothing. */
const isWhole = (mode: RecoveryMode): boolean => mode === 'full';

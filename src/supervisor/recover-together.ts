import type { ManifestInfo } from '../checkpoints/index.ts';
import { failure, sentenceOf } from '../errors.ts';
import type { ManifestId } from '../model/index.ts';
import type { House } from './house.ts';
import type { Keeper } from './keeper.ts';
import { orUnkillable } from './life.ts';
import type { Chosen, Point } from './recover.ts';
import { startOrder } from './roster.ts';

/*
 * All components of a manifest go back to it. What it names is read in full before anything is touched. Then all are
 * stopped, those that depend on others first; when the last one has gone all are started, each from its checkpoint. So
 * none that has gone back meets one that has not.
 *
 * One that cannot be stopped has the whole given up: all go on from what they had. One that does not become ready is
 * tried again by its keeper, from the same checkpoint.
 */

/** One component with the checkpoint that the manifest names. */
export interface Part {
  readonly keeper: Keeper;
  readonly chosen: Chosen;
}

export interface TogetherDeps {
  readonly house: Pick<House, 'bus' | 'phase' | 'roster' | 'state'>;
  /** Reads a checkpoint in full. */
  readonly look: (checkpoint: Chosen['checkpoint_id']) => Promise<Chosen>;
  /** What becomes of it when all goes well. */
  readonly pointOf: (part: Part) => Omit<Point, 'how' | 'why'>;
  /** From now on all of them continue from there: all or none. */
  readonly resume: (parts: readonly Part[]) => Promise<void>;
}

export function createTogether({ house, look, pointOf, resume }: TogetherDeps) {
  const { bus, roster, state } = house;

  function keeperOf(component: string, { manifest_id: id }: ManifestInfo): Keeper {
    const keeper = roster.find(component);
    const why = `it is no longer configured, and ${id} names a checkpoint of it`;
    if (!keeper) throw failure('ACTION_FAILED', { action: 'recover', component, why });
    return keeper;
  }

  /**
   * All that it names, what others depend on first.
   * Rejects with CHECKPOINT_NOT_FOUND, CHECKPOINT_CORRUPTED, and ACTION_FAILED for what is no longer configured.
   */
  async function partsOf(id: ManifestId): Promise<Part[]> {
    const manifest = await state.manifest(id);
    if (manifest.why !== null) throw failure('CHECKPOINT_CORRUPTED', { checkpoint: id, why: manifest.why });
    for (const { component } of manifest.parts) keeperOf(component, manifest);
    const chosen = new Map<string, Chosen>();
    for (const { component, checkpoint_id } of manifest.parts) chosen.set(component, await look(checkpoint_id));
    // A reload may have come meanwhile.
    const keepers = manifest.parts.map(({ component }) => keeperOf(component, manifest));
    const order = startOrder(Object.fromEntries([...roster].map(({ name, config }) => [name, config])));
    return keepers
      .toSorted((one, other) => order.indexOf(one.name) - order.indexOf(other.name))
      .map((keeper) => ({ keeper, chosen: chosen.get(keeper.name) as Chosen }));
  }

  /** Rejects with why when one of them cannot be stopped. One that somebody starts meanwhile is stopped again. */
  async function haltAll(parts: readonly Part[], id: ManifestId): Promise<void> {
    const lastFirst = parts.toReversed();
    for (let left = lastFirst; left.length > 0; left = lastFirst.filter(({ keeper }) => keeper.life !== null)) {
      for (const { keeper } of left) {
        try {
          await orUnkillable(keeper.life, keeper.halt(`it is brought back to ${id}, together with others`));
        } catch (error) {
          throw new Error(`"${keeper.name}" could not be stopped: ${sentenceOf(error)}`, { cause: error });
        }
      }
    }
  }

  /** It was meant to run. */
  function isToRun({ name, config }: Keeper): boolean {
    const { held, state: now } = bus.record(name);
    return config.enabled && !held && now.is !== 'failed' && !(now.is === 'stopped' && now.settled);
  }

  /** From what it would continue from anyway; what cannot be killed, when it has gone. */
  function letGoOn(keeper: Keeper): void {
    const begin = () => {
      if (house.phase !== 'stopping' && roster.find(keeper.name) === keeper && isToRun(keeper)) keeper.begin('manual');
    };
    const ending = keeper.life?.ending;
    if (ending) void ending.then(begin);
    else begin();
  }

  return {
    partsOf,

    /** @param start resolves when it is ready. @returns what became of each, in the order of their start. */
    async bringBack(
      id: ManifestId,
      parts: readonly Part[],
      start: (component: string) => Promise<string>,
    ): Promise<Point[]> {
      const told = parts.map((part) => pointOf(part));
      const wanted = parts.filter(({ keeper }) => isToRun(keeper));
      try {
        await haltAll(parts, id);
        await resume(parts);
      } catch (error) {
        for (const { keeper } of wanted) letGoOn(keeper);
        const why = `nothing was brought back: ${sentenceOf(error)}`;
        return told.map((point) => ({ ...point, checkpoint: null, dataLossMs: 0, how: 'none', why }));
      }
      const points: Point[] = [];
      for (const point of told) {
        const why = await start(point.component).then(() => null, sentenceOf);
        points.push({ ...point, how: why === null ? 'restart' : 'none', why });
      }
      return points;
    },
  };
}

import type { RecoverWish, RecoveryMode } from '../actions/index.ts';
import type { CheckpointInfo, ReadCheckpoint, ResumeWish } from '../checkpoints/index.ts';
import { datedId } from '../digest.ts';
import { failure, ParamedicError, sentenceOf } from '../errors.ts';
import {
  isManifestId,
  type CheckpointId,
  type ComponentName,
  type EventFields,
  type EventOf,
  type ManifestId,
  type RecoveryId,
  type Requester,
} from '../model/index.ts';
import { formatDuration } from '../units.ts';
import type { RecoveryView } from './api.ts';
import { createBringBack, type BringBack } from './bring-back.ts';
import type { House } from './house.ts';
import type { Keeper } from './keeper.ts';
import { isMinimal } from './keepers.ts';
import { createTogether } from './recover-together.ts';
import { doubtedOf } from './situation.ts';
import { recoveryView } from './views.ts';

/** Without its state, which may be large. */
export type Chosen = Omit<ReadCheckpoint, 'state'>;

export type Point = EventFields['system.recovered']['points'][number];

/** How a component is brought up by whoever asks; both resolve when it is ready. */
export interface Hands {
  readonly start: (component: string) => Promise<string>;
  readonly restart: (component: string) => Promise<string>;
}

/** Brings components back to what was saved, while they run or by a restart. */
export interface Recover extends Pick<BringBack, 'hear' | 'arrive'> {
  /**
   * Rejects with COMPONENT_NOT_FOUND, CHECKPOINT_NOT_FOUND, CHECKPOINT_CORRUPTED, ACTION_FAILED; ACTION_REFUSED while
   * components go back together, and to have them do so while any recovery is under way.
   */
  run(wish: RecoverWish, by: Requester, hands: Hands): Promise<RecoverDone>;
}

/** Whether the journal is wanted is known. */
type Wish = RecoverWish & { readonly journal: boolean };

/** What was chosen, and what became of it. */
interface Outcome {
  readonly chosen: readonly (Chosen | null)[];
  readonly points: readonly Point[];
}

export type RecoverDone = Pick<RecoveryView, 'recovery_id' | 'points'> & { readonly message: string };

export function createRecover(house: House): Recover {
  const { state, clock, roster, bus } = house;
  const bringBack = createBringBack(house);
  let underWay = 0;
  /** The one that is under way goes back to a manifest: another would mix with it. */
  let together = false;

  async function look(checkpoint: CheckpointId): Promise<Chosen> {
    const { state: _, ...info } = await state.read(checkpoint);
    return info;
  }

  /** The newest of these that can be read; one in doubt is better than none. */
  async function newestOf(component: ComponentName, all: readonly CheckpointInfo[]): Promise<Chosen | null> {
    const stored = all.filter(({ valid, kind }) => valid && kind !== 'memory');
    const doubted = doubtedOf(house, roster.get(component));
    const inDoubt = ({ checkpoint_id: id }: CheckpointInfo) => doubted.has(id);
    for (const { checkpoint_id: id } of [...stored.filter((each) => !inDoubt(each)), ...stored.filter(inDoubt)]) {
      try {
        return await look(id);
      } catch (error) {
        if (!isUseless(error)) throw error;
      }
    }
    return null;
  }

  /** The one that is meant; else the newest that is valid, read in full: what is damaged is found before anything is touched. */
  async function choose(component: ComponentName, wish: Wish): Promise<Chosen | null> {
    if (wish.mode === 'none') return null;
    // One in memory would be gone with the next that is saved, be it at the stop for this.
    await state.storeHeld(component);
    if (wish.checkpoint !== undefined) return look(wish.checkpoint as CheckpointId);
    // A day of checkpoints is long, and nearly always one of the newest can be read.
    for (const most of [FIRST_LOOK, undefined]) {
      const found = await newestOf(component, await state.list(component, most));
      if (found) return found;
    }
    const why = 'it has no checkpoint that can be read; with the mode none it begins with nothing';
    throw failure('ACTION_FAILED', { action: 'recover', component, why });
  }

  async function targets(wish: Wish): Promise<Keeper[]> {
    const owner =
      wish.checkpoint === undefined ? undefined : (await state.read(wish.checkpoint as CheckpointId)).component;
    if (owner !== undefined && wish.component !== undefined && wish.component !== owner) {
      const why = `the checkpoint ${wish.checkpoint} is one of "${owner}"`;
      throw failure('ACTION_FAILED', { action: 'recover', component: wish.component, why });
    }
    const named = wish.component ?? owner;
    if (named !== undefined) return [roster.get(named)];
    const remembered = (await state.remembered()).filter(({ hasSaved }) => hasSaved || wish.mode === 'none');
    const saved = new Set(remembered.map(({ component }) => component));
    const all = [...roster].filter(({ name, config }) => saved.has(name) && config.enabled && !bus.record(name).held);
    return wish.mode === 'minimal' ? all.filter(({ config }) => isMinimal(config)) : all;
  }

  /** What is journalled is replayed, as far as it is there; of one that does not journal, all since then is lost. */
  function pointOf(component: ComponentName, chosen: Chosen | null, journal: boolean): Omit<Point, 'how' | 'why'> {
    const replayed = journal && chosen?.through !== null && chosen?.journal_complete;
    const lost = chosen && !replayed;
    return {
      component,
      checkpoint: chosen?.checkpoint_id ?? null,
      dataLossMs: lost ? Math.max(0, clock.now() - chosen.at) : 0,
    };
  }

  async function oneByOne(wish: Wish, hands: Hands): Promise<Outcome> {
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
      const { name } = keeper;
      const done = await bringBack.run(keeper, wishOf(name, chosen, wish.journal), wish.timeout, hands);
      points.push({ ...pointOf(name, chosen, wish.journal), ...done });
      if (done.why !== null && isWhole(wish.mode)) break;
    }
    return { chosen: plan.map(({ chosen }) => chosen), points };
  }

  async function allTogether(id: ManifestId, journal: boolean, { start }: Hands): Promise<Outcome> {
    const together = createTogether({
      house,
      look,
      pointOf: ({ keeper, chosen }) => pointOf(keeper.name, chosen, journal),
      resume: (parts) =>
        state.resume.from(
          parts.map(({ keeper, chosen }) => wishOf(keeper.name, chosen, journal)),
          false,
        ),
    });
    const parts = await together.partsOf(id);
    return { chosen: parts.map(({ chosen }) => chosen), points: await together.bringBack(id, parts, start) };
  }

  /** States it, and says it in one line. @throws ACTION_FAILED when not all that was to be was done. */
  function conclude(
    { chosen, points }: Outcome,
    { mode, journal }: Wish,
    by: Requester,
    manifest: ManifestId | undefined,
  ): RecoverDone {
    const at = clock.now();
    const recovery = datedId('REC', at) as RecoveryId;
    const failed = points.filter(({ why }) => why !== null);
    const outcome = failed.length === 0 ? 'success' : 'failure';
    const event: EventOf<'system.recovered'> = {
      type: 'system.recovered',
      at,
      recovery,
      mode,
      by,
      outcome,
      ...(manifest && { manifest }),
      points,
    };
    bus.emit(event);
    const [first] = failed;
    if (first && (isWhole(mode) || failed.length === points.length))
      throw failure('ACTION_FAILED', { action: 'recover', component: first.component, why: first.why ?? '' });
    const incomplete = new Set(chosen.flatMap((one) => (one?.journal_complete ? [] : [one?.checkpoint_id])));
    const done = points
      .filter(({ why }) => why === null)
      .map(({ component, checkpoint, dataLossMs }) => {
        const gone = journal && checkpoint !== null && incomplete.has(checkpoint);
        const lost = manifest && dataLossMs > 0 ? ` (about ${formatDuration(dataLossMs)} of changes lost)` : '';
        return `${component} from ${checkpoint ?? 'nothing'}${lost}${gone ? JOURNAL_GONE : ''}`;
      });
    const missed = failed.map(({ component, why }) => `not ${component}: ${why}`);
    const message =
      done.length + missed.length === 0
        ? 'nothing is saved that could be recovered'
        : `recovered${manifest ? ` to ${manifest}` : ''} ${[...done, ...missed].join('; ')}`;
    const { recovery_id, points: shown } = recoveryView(event);
    return { message, recovery_id, points: shown };
  }

  return {
    async run(asked, by, hands) {
      const { checkpoint } = asked;
      const manifest = checkpoint !== undefined && isManifestId(checkpoint) ? checkpoint : undefined;
      const wish: Wish = { ...asked, journal: asked.journal ?? manifest === undefined };
      if (together || (manifest && underWay > 0)) {
        const component = asked.component ?? checkpoint ?? 'all';
        const why = 'another recovery is under way: ask again when it is done';
        throw failure('ACTION_REFUSED', { action: 'recover', component, why });
      }
      underWay++;
      together = manifest !== undefined;
      try {
        const outcome = manifest ? await allTogether(manifest, wish.journal, hands) : await oneByOne(wish, hands);
        return conclude(outcome, wish, by, manifest);
      } finally {
        underWay--;
        together = false;
      }
    },

    hear: bringBack.hear,
    arrive: bringBack.arrive,
  };
}

const wishOf = (component: ComponentName, chosen: Chosen | null, journal: boolean): ResumeWish => ({
  component,
  checkpoint_id: chosen?.checkpoint_id ?? null,
  journal,
});

const FIRST_LOOK = 50;
const JOURNAL_GONE = ' (not all that it journalled since is kept: that is lost)';

/** It is damaged, or the retention was faster: another one will do. The store has said so. */
const isUseless = (error: unknown): boolean =>
  error instanceof ParamedicError && (error.code === 'CHECKPOINT_CORRUPTED' || error.code === 'CHECKPOINT_NOT_FOUND');

/** All of what was asked for, or nothing. */
const isWhole = (mode: RecoveryMode): boolean => mode === 'full';

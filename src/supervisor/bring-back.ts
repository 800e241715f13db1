import type { ResumeWish } from '../checkpoints/index.ts';
import { failure, sentenceOf } from '../errors.ts';
import type { ComponentName, Listener } from '../model/index.ts';
import type { House } from './house.ts';
import type { Keeper } from './keeper.ts';
import { orUnkillable } from './life.ts';
import type { Hands, Point } from './recover.ts';

/*
 * Where a component is to continue from is stored before anything is done for it (a resume point, `checkpoints/`), so
 * whoever dies meanwhile, the daemon among them, the next life is given that. What the life before saves until it has
 * left does not undo it. When nothing was begun, for one because the restart is refused, it is dropped again.
 *
 * One that has asked for the state while it runs, and does not say in time whether it took it, may work from it or not.
 * It is restarted from there: so it never does something else than its next life will.
 */

type How = Pick<Point, 'how' | 'why'>;

/** Brings one component back to what was chosen for it. */
export interface BringBack {
  /** One after the other for each component. Never rejects. @param timeoutMs for one that takes its state while it runs. */
  run(keeper: Keeper, wish: ResumeWish, timeoutMs: number, hands: Hands): Promise<How>;
  readonly hear: Listener;
  /** What an earlier daemon had begun goes on. To be called before any of its components does. */
  arrive(): void;
}

export function createBringBack({
  state,
  commands,
  clock,
  roster,
  bus,
}: Pick<House, 'state' | 'commands' | 'clock' | 'roster' | 'bus'>): BringBack {
  /** Their lives of before are to end for it. */
  const leaving = new Set<ComponentName>();
  /** The newest for each: what one drops must not be what another has asked for. */
  const underWay = new Map<ComponentName, Promise<How>>();

  /** Its life of before has ended, or has taken over what it was given: what is saved from now on counts. */
  function begun(component: ComponentName): void {
    // A store that cannot be written takes nothing else either; then the first who asks for its state has begun.
    if (leaving.delete(component)) void state.resume.begun(component).catch(() => {});
  }

  async function leaveFor(wish: ResumeWish, runs: boolean): Promise<void> {
    leaving.add(wish.component);
    try {
      await state.resume.from([wish], runs);
    } catch (error) {
      // Where it had been brought back to before this still holds.
      leaving.delete(wish.component);
      throw error;
    }
  }

  /** While it runs. @returns false: nobody knows whether it took it. Rejects with why it did not. */
  function hand({ component, checkpoint_id: checkpoint }: ResumeWish, timeoutMs: number): Promise<boolean> {
    const askedAt = clock.now();
    const give = async () => {
      begun(component);
      const restored = await state.getState(component, askedAt);
      if (checkpoint === null || restored.checkpoint_id === checkpoint) return restored;
      throw failure('CHECKPOINT_CORRUPTED', { checkpoint, why: 'it cannot be read any more' });
    };
    return commands.setState(component, checkpoint, give, timeoutMs);
  }

  async function restart(keeper: Keeper, hands: Hands): Promise<void> {
    const { name, life } = keeper;
    if (!life || life.ready) return void (await hands.restart(name));
    // One that is starting may have been given something else already.
    await orUnkillable(life, keeper.halt('it is brought back to what it had saved'));
    await hands.start(name);
  }

  async function goBack(keeper: Keeper, wish: ResumeWish, timeoutMs: number, hands: Hands): Promise<Point['how']> {
    const { name, life } = keeper;
    const listens = life?.ready === true && !life.ending && commands.hears(name, 'set_state');
    await leaveFor(wish, life !== null);
    let mayHaveTaken = false;
    try {
      if (listens) {
        if (await hand(wish, timeoutMs)) return 'set_state';
        mayHaveTaken = true;
        await leaveFor(wish, true);
      }
      await restart(keeper, hands);
      return 'restart';
    } catch (error) {
      if (mayHaveTaken) begun(name);
      // One that has begun anew from there is tried again from there.
      else if (leaving.delete(name) || (listens && keeper.life === life)) await state.resume.drop(name).catch(() => {});
      throw error;
    }
  }

  return {
    async run(keeper, wish, timeoutMs, hands) {
      const before = underWay.get(keeper.name);
      const done = (async (): Promise<How> => {
        await before;
        try {
          return { how: await goBack(keeper, wish, timeoutMs, hands), why: null };
        } catch (error) {
          return { how: 'none', why: sentenceOf(error) };
        }
      })();
      underWay.set(keeper.name, done);
      return done;
    },

    hear(event) {
      if (event.type === 'component.starting') begun(event.component);
    },

    arrive() {
      for (const { name } of roster)
        if (bus.record(name).state.is === 'stopping') {
          leaving.add(name);
          void state.resume.awaited(name).catch(() => {});
        }
    },
  };
}

import type { StateStore } from '../checkpoints/index.ts';
import type { Clock } from '../clock.ts';
import { randomHex } from '../digest.ts';
import { failure, sentenceOf } from '../errors.ts';
import type { CheckpointId, ComponentName, Emit, Listener, ManifestId, Requester } from '../model/index.ts';
import { formatDuration } from '../units.ts';
import type { Commands } from './commands.ts';
import type { Roster } from './roster.ts';

/*
 * A consistent checkpoint over several components. All are told to pause: each comes to a point where it has begun
 * nothing that is not done, and begins nothing more. When all have, nothing is under way between them, and each is asked
 * for its state. When all states are durable the manifest that names them is written, and all are told to go on. So no
 * state knows of anything that another one does not.
 *
 * One that refuses, dies or is stopped, does not answer, or goes on by itself has the whole given up: all are told to go
 * on, and there is no manifest. What was saved until then are checkpoints like any other. A component goes on by itself
 * after the time that came with the pause, whatever becomes of us.
 */

export interface Barrier {
  /**
   * @param names null: all that listen for it. @param timeoutMs for all of them together.
   * Rejects with COMPONENT_NOT_FOUND; ACTION_REFUSED while another is under way; ACTION_FAILED, naming who and why.
   */
  run(names: readonly string[] | null, by: Requester, timeoutMs: number): Promise<BarrierDone>;
  /**
   * Gives up the one that is under way, if there is one. Resolves when all have been told to go on: after two seconds at
   * most.
   */
  abort(why: string): Promise<void>;
  readonly hear: Listener;
}
export type BarrierDone = {
  readonly message: string;
  readonly manifest_id: ManifestId;
  readonly checkpoints: Readonly<Record<string, CheckpointId>>;
};

export interface BarrierDeps {
  readonly clock: Clock;
  readonly emit: Emit;
  readonly commands: Pick<Commands, 'hears' | 'order' | 'saveState'>;
  readonly writeManifest: StateStore['writeManifest'];
  /** All of the configuration. */
  readonly names: () => readonly ComponentName[];
  /** @throws COMPONENT_NOT_FOUND */
  readonly nameOf: (name: string) => ComponentName;
  /** Aborted when its life is over; undefined: it is not up, or about to end. */
  readonly lifeOf: (component: ComponentName) => AbortSignal | undefined;
  /** Whose process it lives in: its own, or its parent's. */
  readonly processOf: (component: ComponentName) => ComponentName;
}

interface Round {
  readonly id: string;
  readonly members: ReadonlyMap<ComponentName, AbortSignal>;
  readonly over: AbortController;
  /** All have been told to go on. */
  readonly released: PromiseWithResolvers<void>;
  readonly endsAt: number;
}

const NEEDED = ['pause', 'resume', 'get_state'] as const;
const HOW =
  'a program does with onPause and onGetState of paramedic/client, or by holding GET /component/v1/commands?kinds=pause,resume,get_state open';
/** A component is paused for longer than we wait: none goes on while another's state is still to be taken. */
const MARGIN_MS = 2_000;
/** One that hangs must not keep whoever asked from being told. */
const RELEASE_MS = 2_000;

export function createBarrier({
  clock,
  emit,
  commands,
  writeManifest,
  names: all,
  nameOf,
  lifeOf,
  processOf,
}: BarrierDeps): Barrier {
  let underWay: Round | null = null;

  const failed = (component: string, why: string) => failure('ACTION_FAILED', { action: 'checkpoint', component, why });
  const hearsAll = (name: ComponentName) => NEEDED.every((kind) => commands.hears(name, kind));

  /** @throws COMPONENT_NOT_FOUND, ACTION_FAILED: then nothing is asked of anybody. */
  function membersOf(names: readonly string[] | null): Map<ComponentName, AbortSignal> {
    const members = new Map<ComponentName, AbortSignal>();
    for (const name of names?.map(nameOf) ?? all()) {
      const life = lifeOf(name);
      if (life && hearsAll(name)) members.set(name, life);
      else if (names)
        throw failed(name, life ? `it does not listen for it; ${HOW}` : 'it is not running: start it first');
    }
    if (members.size === 0) throw failed('all', `none of those that run listens for it; ${HOW}`);
    return members;
  }

  function begin(members: Round['members'], timeoutMs: number): Round {
    const over = new AbortController();
    const released = Promise.withResolvers<void>();
    const round = { id: randomHex(8), members, over, released, endsAt: clock.monotonic() + timeoutMs };
    for (const [name, life] of members) {
      const died = () => over.abort(failed(name, 'it ended before the others had saved their state'));
      life.addEventListener('abort', died, { signal: over.signal, once: true });
    }
    return round;
  }

  /** The same of all members, at once; ends when the round does. */
  async function ofAll<T>({ members, over }: Round, ask: (name: ComponentName) => Promise<T>): Promise<T[]> {
    const givenUp = Promise.withResolvers<never>();
    const giveUp = () => givenUp.reject(over.signal.reason as Error);
    if (over.signal.aborted) giveUp();
    over.signal.addEventListener('abort', giveUp);
    try {
      return await Promise.race([givenUp.promise, Promise.all([...members.keys()].map(ask))]);
    } finally {
      over.signal.removeEventListener('abort', giveUp);
    }
  }

  async function take(round: Round, by: Requester): Promise<BarrierDone> {
    const { id: barrier, over, endsAt } = round;
    const left = () => Math.max(1, endsAt - clock.monotonic());
    const part = { barrier, signal: over.signal };
    const pause = { barrier, hold_ms: Math.ceil(left()) + MARGIN_MS };
    await ofAll(round, (name) => commands.order(name, 'pause', pause, left(), over.signal));
    const trigger = by === 'webhook' ? 'alert' : 'manual';
    const saved = await ofAll(round, async (name) => {
      const { checkpoint_id: checkpoint } = await commands.saveState(name, trigger, left(), undefined, part);
      return [name, checkpoint] as const;
    });
    // From here on nothing that any of them does can change what was taken.
    const checkpoints = saved.map(([, checkpoint]) => checkpoint);
    const { manifest_id } = await writeManifest(checkpoints, trigger);
    const named = Object.fromEntries(saved);
    const list = Object.entries(named).map(([name, checkpoint]) => `${name} as ${checkpoint}`);
    return { message: `saved together as ${manifest_id}: ${list.join(', ')}`, manifest_id, checkpoints: named };
  }

  /** Whatever has become of it. Who does not hear of it goes on by itself. */
  async function release({ id: barrier, members, over }: Round): Promise<void> {
    over.abort(new Error('it is over'));
    const living = [...members].filter(([, life]) => !life.aborted);
    await Promise.allSettled(living.map(([name]) => commands.order(name, 'resume', { barrier }, RELEASE_MS)));
  }

  return {
    async run(names, by, timeoutMs) {
      if (underWay) {
        const component = [...underWay.members.keys()].join(', ');
        const why = 'a consistent checkpoint is being taken already: ask again when it is done';
        throw failure('ACTION_REFUSED', { action: 'checkpoint', component, why });
      }
      const members = membersOf(names);
      const round = begin(members, timeoutMs);
      underWay = round;
      const beganAt = clock.monotonic();
      const late = () => failed([...members.keys()].join(', '), `it was not done within ${formatDuration(timeoutMs)}`);
      // A little after the commands' own time is up: they say who was late.
      const cancel = clock.after(timeoutMs + 1, () => round.over.abort(late()));
      const tell = (manifest: ManifestId | null, why: string | null) => {
        const durationMs = clock.monotonic() - beganAt;
        const components = [...members.keys()];
        const outcome = manifest === null ? 'failure' : 'success';
        emit({ type: 'system.checkpointed', at: clock.now(), manifest, by, outcome, components, durationMs, why });
      };
      try {
        const done = await take(round, by);
        tell(done.manifest_id, null);
        return done;
      } catch (error) {
        tell(null, sentenceOf(error));
        throw error;
      } finally {
        cancel();
        await release(round);
        underWay = null;
        round.released.resolve();
      }
    },

    async abort(why) {
      const round = underWay;
      if (!round) return;
      round.over.abort(failed([...round.members.keys()].join(', '), why));
      await round.released.promise;
    },

    hear(event) {
      if (event.type !== 'component.stopping' && event.type !== 'component.crashed') return;
      const ends = (name: ComponentName) => name === event.component || processOf(name) === event.component;
      if (underWay && [...underWay.members.keys()].some(ends))
        underWay.over.abort(failed(event.component, 'it is being stopped, or has crashed'));
    },
  };
}

/** The life of one that is up and stays so for now. */
export function liveOf(roster: Pick<Roster, 'find' | 'processOf'>, name: ComponentName): AbortSignal | undefined {
  const life = roster.find(name)?.life;
  return life?.ready && !life.ending ? roster.processOf(name)?.life?.over.signal : undefined;
}

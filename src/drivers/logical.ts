import { failure, sentenceOf } from '../errors.ts';
import type { ComponentName, EngineIdentity, Exit } from '../model/index.ts';
import type { Driver, Running, StartPlan } from './driver.ts';
import { systemBootId } from './proc.ts';
import { unlessUnwanted } from './unwanted.ts';

/** What a process is that logical components live in. */
export interface Parent {
  readonly incarnation: string;
  /** An earlier daemon has started it: what lives in it may have been started and stopped since. */
  readonly adopted: boolean;
}

/** How what lives inside another's process is reached. */
export interface Inside {
  /** The present life of a component; null: nothing of it runs, or it is on its way down. */
  parent(name: string): Parent | null;
  hears(component: ComponentName, order: 'restart' | 'shutdown'): boolean;
  /** It was told to stop in this life of its parent. */
  wasStopped(component: ComponentName, incarnation: string): boolean;
  /** Resolves when it is done. Rejects with the sentence that a person needs. */
  order(component: ComponentName, order: 'restart' | 'shutdown', timeoutMs: number): Promise<void>;
}

export interface LogicalDeps {
  readonly inside: Inside;
  readonly onProblem: (what: string, error: unknown) => void;
}

const NOT_TOLD: Exit = { code: null, signal: null };

/**
 * Makes the driver of what lives inside another component's process. It begins with its parent; after that it is told
 * to begin anew, and to stop. Nothing looks after it here: its parent's end is told by the supervisor (`lost`), its own
 * by itself, and whether it is well by its checks.
 */
export function createLogicalDriver({ inside, onProblem }: LogicalDeps): Driver {
  /** The life of its parent in which each was started last. */
  const begunIn = new Map<ComponentName, string>();

  const nameOf = ({ engine }: StartPlan): string => (engine?.kind === 'parent' ? engine.name : '');

  function keep({ component }: StartPlan, engine: EngineIdentity, adopted: boolean): Running {
    const { promise: exited, resolve } = Promise.withResolvers<Exit>();
    let ended = false;
    let forced = false;
    let stopping: ReturnType<Running['stop']> | null = null;
    const end = (exit: Exit): void => {
      ended = true;
      resolve(exit);
    };
    const kill = () => {
      if (!ended) forced = true;
      end(NOT_TOLD);
      return exited;
    };
    const stop: Running['stop'] = async ({ timeout }, next) => {
      // The order to begin anew ends it, too.
      if (next === 'restart') end(NOT_TOLD);
      if (ended) return { exit: await exited, forced };
      try {
        const told = inside.order(component, 'shutdown', timeout);
        await Promise.race([exited, told]);
        end({ code: 0, signal: null });
      } catch (error) {
        onProblem(`"${component}" may still run inside "${engine.name}"`, error);
        await kill();
      }
      return { exit: await exited, forced };
    };
    return {
      process: null,
      engine,
      adopted,
      exited,
      stop: (policy, next) => (stopping ??= stop(policy, next)),
      kill,
      usage: () => null,
      outputTail: () => '',
      lost: () => end(NOT_TOLD),
    };
  }

  return {
    kind: 'parent',

    async start(plan, signal = new AbortController().signal) {
      const { component, startTimeoutMs } = plan;
      const name = nameOf(plan);
      try {
        const parent = inside.parent(name);
        if (!parent) throw new Error(noParent(name));
        const began = begunIn.get(component);
        const before = began === parent.incarnation || inside.wasStopped(component, parent.incarnation);
        const perhaps = began === undefined && parent.adopted && inside.hears(component, 'restart');
        if (before || perhaps) await unlessUnwanted(inside.order(component, 'restart', startTimeoutMs), signal);
        // Whether it begins anew nobody waits to hear: it is told to stop, if it was not its parent that has ended.
        if (signal.aborted && inside.parent(name)?.incarnation !== parent.incarnation) throw new Error(noParent(name));
        begunIn.set(component, parent.incarnation);
        return keep(plan, identityOf(name, parent), false);
      } catch (error) {
        throw failure('SPAWN_FAILED', { command: component, why: whyOf(error) }, { cause: error });
      }
    },

    adopt(plan, { engine }) {
      const parent = inside.parent(nameOf(plan));
      if (engine?.engine !== 'parent' || engine.name !== nameOf(plan) || engine.run !== parent?.incarnation)
        return null;
      begunIn.set(plan.component, parent.incarnation);
      return keep(plan, engine, true);
    },

    async forget(component) {
      begunIn.delete(component);
    },
    close: () => Promise.resolve(),
  };
}

const noParent = (name: string): string => `its parent "${name}" does not run`;

const identityOf = (name: string, { incarnation }: Parent): EngineIdentity => ({
  engine: 'parent',
  name,
  run: incarnation,
  bootId: systemBootId,
  place: { name },
});

const whyOf = (error: unknown): string => sentenceOf(error).replace(/\.$/, '');

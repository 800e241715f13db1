import { failure, sentenceOf } from '../errors.ts';
import type { EngineIdentity, EngineKind, EngineVerdict, Exit, ProcessIdentity, ProcessUsage } from '../model/index.ts';
import type { Clock } from '../clock.ts';
import type { AfterStop, Driver, EngineHealth, StartPlan } from './driver.ts';
import { createEngineRunning } from './engine-running.ts';
import { placeOf, type StopPolicy } from './schema.ts';
import { unlessUnwanted } from './unwanted.ts';

/** What an engine says of one component. */
export type Seen = SeenRunning | SeenEnded;

export interface SeenRunning {
  readonly is: 'running';
  /** As in EngineIdentity. */
  readonly run: string | null;
  readonly process?: ProcessIdentity | null;
  readonly health?: EngineHealth | null;
}

export interface SeenEnded {
  readonly is: 'ended';
  readonly exit: Exit;
  readonly verdict: EngineVerdict | null;
  /** It may run without anybody doing anything: its engine is between two runs, or about to begin one. */
  readonly isPending?: boolean;
}

/** One component, as its engine sees it. All but `look` reject with the sentence that a person needs. */
export interface Engine {
  /** What the engine knows it by. */
  readonly name: string;
  /** As in EngineIdentity. */
  readonly bootId: string | null;
  /** How often it is looked at, ms. */
  readonly everyMs: number;
  /**
   * What is there now. Rejects when the engine cannot be asked: that says nothing of what it runs.
   * @param signal aborted when nobody waits for the answer any more.
   */
  look(signal?: AbortSignal): Promise<Seen>;
  /**
   * Has it run. Resolves with what runs then; `seen` itself when nothing needs doing.
   * @param signal aborted when its end is wanted: then it resolves or rejects at once (`commands`: when what it runs has
   * ended), and what may still come up counts as running.
   */
  start(seen: Seen, signal: AbortSignal): Promise<SeenRunning>;
  /** Asks it to end and returns when that was heard, at the latest when `policy.timeout` is over. */
  stop(policy: StopPolicy, next: AfterStop): Promise<void>;
  kill(): Promise<void>;
  /**
   * A restart replaces what runs without a gap: `stop` for a restart begins that, and `start` sees it through; also
   * one that could not be begun.
   */
  readonly replaces?: true;
  usage?(): Promise<ProcessUsage | null>;
  /** The end of what this run wrote. */
  readOutput?(): Promise<{ readonly stdout: string; readonly stderr: string }>;
  /** Where its output is at hand at any time. */
  outputTail?(stream: 'stdout' | 'stderr', bytes: number): string;
  /** Calls back when it is worth looking sooner. @returns how to stop that. */
  listen?(look: () => void): () => void;
}

export interface EngineDeps {
  readonly clock: Clock;
  readonly onProblem: (what: string, error: unknown) => void;
}

/** A daemon that begins waits for all adoptions: one that does not answer by then is taken over unseen. */
const LONGEST_ADOPTION_MS = 2_000;
/** What may come up yet, or run already: it is told to stop. */
export const PERHAPS: SeenRunning = { is: 'running', run: null };

/** Makes the driver of an engine: what is different about each is how one component is seen. */
export function createEngineDriver(
  kind: EngineKind,
  open: (plan: StartPlan) => Engine | Promise<Engine>,
  { clock, onProblem, ...rest }: EngineDeps & Partial<Pick<Driver, 'forget' | 'close'>>,
): Driver {
  const closed = new AbortController();

  const keep = (
    engine: Engine,
    plan: StartPlan,
    identity: EngineIdentity,
    seen: SeenRunning | null,
    adopted: boolean,
  ) =>
    createEngineRunning(
      { engine, component: plan.component, identity, seen, adopted, closed: closed.signal },
      { clock, onProblem },
    );

  const soon = async (look: Promise<Seen>): Promise<Seen | null> => {
    const patience = new AbortController();
    try {
      return await Promise.race([look, clock.sleep(LONGEST_ADOPTION_MS, patience.signal).then(() => null)]);
    } finally {
      patience.abort();
    }
  };

  const identify = ({ name, bootId }: Engine, { run }: SeenRunning, { engine }: StartPlan): EngineIdentity => ({
    engine: kind,
    name,
    run,
    bootId,
    ...(engine && { place: placeOf(engine) }),
  });

  return {
    kind,

    async start(plan, signal = new AbortController().signal) {
      let engine: Engine | null = null;
      try {
        engine = await open(plan);
        const before = await unlessUnwanted(engine.look(signal), signal);
        if (signal.aborted || before === null)
          return keep(engine, plan, identify(engine, PERHAPS, plan), PERHAPS, true);
        const seen = await engine.start(before, signal);
        return keep(engine, plan, identify(engine, seen, plan), seen, before === seen);
      } catch (error) {
        // Its end was wanted meanwhile: whether it came up nobody knows, so it is stopped as what runs is.
        if (signal.aborted && engine) return keep(engine, plan, identify(engine, PERHAPS, plan), PERHAPS, true);
        throw failure('SPAWN_FAILED', { command: engine?.name ?? plan.component, why: whyOf(error) }, { cause: error });
      }
    },

    async adopt(plan, { engine: identity }) {
      if (identity?.engine !== kind) return null;
      let engine: Engine | null = null;
      try {
        engine = await open(plan);
        if (engine.name !== identity.name) return null;
        const seen = await soon(engine.look());
        if (seen === null) return keep(engine, plan, identity, null, true);
        if (seen.is === 'ended' || (identity.run !== null && seen.run !== identity.run)) return null;
        return keep(engine, plan, identity, seen, true);
      } catch {
        // It says so itself, at the first look.
        return engine && keep(engine, plan, identity, null, true);
      }
    },

    async find(plan) {
      try {
        const engine = await open(plan);
        const seen = await engine.look();
        if (seen.is === 'ended') return seen.isPending ? 'pending' : null;
        return keep(engine, plan, identify(engine, seen, plan), seen, true);
      } catch (error) {
        onProblem(`"${plan.component}" (${kind}) may still run`, error);
        throw new Error(`it may still run: ${whyOf(error)}`, { cause: error });
      }
    },

    forget: (component) => rest.forget?.(component) ?? Promise.resolve(),

    async close() {
      closed.abort();
      await rest.close?.();
    },
  };
}

const whyOf = (error: unknown): string => sentenceOf(error).replace(/\.$/, '');

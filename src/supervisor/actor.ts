import type { Actor } from '../actions/index.ts';
import type { BreakerControl } from '../breakers/index.ts';
import type { Clock } from '../clock.ts';
import type { DegradationControl } from '../degradation/index.ts';
import { failure, sentenceOf } from '../errors.ts';
import type { IncidentDesk } from '../incidents/index.ts';
import type { ComponentRecord, Emit, Requester } from '../model/index.ts';
import type { Barrier } from './barrier.ts';
import type { Commands } from './commands.ts';
import type { Keeper } from './keeper.ts';
import { orUnkillable, type Life } from './life.ts';
import type { Recover } from './recover.ts';
import type { Roster } from './roster.ts';

export interface ActorDeps {
  readonly roster: Roster;
  readonly record: (keeper: Keeper) => ComponentRecord;
  readonly unmet: (keeper: Keeper) => readonly string[];
  readonly commands: Commands;
  readonly barrier: Pick<Barrier, 'run' | 'abort'>;
  readonly clock: Clock;
  readonly emit: Emit;
  /** The daemon is stopping: nothing may be started any more. */
  readonly stopping: () => boolean;
  readonly reload: () => Promise<string>;
  readonly incidents: Pick<IncidentDesk, 'resolve'>;
  readonly breakers: BreakerControl;
  readonly degradation: DegradationControl;
  readonly recover: Recover['run'];
}

/** Carries out what people, webhooks and the API ask for, on the keepers. */
export function createActor({
  roster,
  record,
  unmet,
  commands,
  barrier,
  incidents,
  clock,
  emit,
  stopping,
  reload,
  breakers,
  degradation,
  recover,
}: ActorDeps): Actor {
  /** A person's word counts more than what was before: held or failed, it may run again with a fresh budget. */
  const release = (keeper: Keeper, by: Requester): void => {
    const { held, state } = record(keeper);
    if (held || state.is === 'failed')
      emit({ type: 'component.released', component: keeper.name, at: clock.now(), by });
  };

  /** @throws SHUTTING_DOWN, COMPONENT_NOT_FOUND */
  const current = (component: string): Keeper => {
    if (stopping()) throw failure('SHUTTING_DOWN', undefined);
    return roster.get(component);
  };

  /** What ends is waited for, and asked for anew: meanwhile the daemon may stop, or a reload remove the component. */
  const ended = async (component: string, action: string): Promise<void> => {
    for (let { life } = current(component); life?.ending; life = current(component).life)
      await hopedFor(component, action, life, life.ending);
  };

  const untilReady = async (keeper: Keeper, action: string): Promise<string> => {
    try {
      // A dependency may go down meanwhile.
      while (unmet(keeper).length === 0)
        if (await keeper.whenReady()) return `${keeper.name} is ready${asWhat(keeper)}`;
    } catch (error) {
      if (stopping()) throw failure('SHUTTING_DOWN', undefined, { cause: error });
      throw failure('ACTION_FAILED', { action, component: keeper.name, why: sentenceOf(error) }, { cause: error });
    }
    return `${keeper.name} will be started when ${unmet(keeper).join(', ')} is up`;
  };

  /** While components are brought back some have gone back already and some not: their states do not go together. */
  let recoveries = 0;

  const actor: Actor = {
    async start(component, by) {
      await ended(component, 'start');
      const keeper = current(component);
      if (keeper.life?.ready) return `${keeper.name} runs already${asWhat(keeper)}`;
      release(keeper, by);
      keeper.begin('manual');
      return untilReady(keeper, 'start');
    },

    async stop(component, by) {
      const keeper = roster.get(component);
      if (!record(keeper).held) emit({ type: 'component.held', component: keeper.name, at: clock.now(), by });
      const { life } = keeper;
      await hopedFor(component, 'stop', life, keeper.stop('it was asked to stop', true));
      return `${keeper.name} is stopped`;
    },

    async restart(component, by, force) {
      await ended(component, 'restart');
      const keeper = current(component);
      if (keeper.life && !keeper.life.ready) return untilReady(keeper, 'restart');
      const decision = keeper.request({ reason: by === 'webhook' ? 'alert' : 'manual', by, force, crash: null });
      if (decision.kind === 'wait') return `${keeper.name} will be restarted later: ${decision.why}`;
      if (decision.kind !== 'restart')
        throw failure('ACTION_REFUSED', { action: 'restart', component: keeper.name, why: decision.why });
      release(keeper, by);
      return untilReady(keeper, 'restart');
    },

    async resolveIncident(incident, resolution, by) {
      const view = incidents.resolve(incident, resolution, by === 'person' ? 'person' : 'itself');
      return `incident ${view.incident_id} is resolved`;
    },

    async checkpoint(component, by, timeoutMs, kind) {
      const { name, life } = current(component);
      if (!life)
        throw failure('ACTION_FAILED', {
          action: 'checkpoint',
          component: name,
          why: 'it is not running: start it first',
        });
      const saved = await commands.saveState(name, by === 'webhook' ? 'alert' : 'manual', timeoutMs, kind);
      const where = saved.kind === 'memory' ? ' in memory' : saved.file === undefined ? '' : ` and in ${saved.file}`;
      return { message: `${name} has saved its state as ${saved.checkpoint_id}${where}`, ...saved };
    },

    async checkpointTogether(components, by, timeoutMs) {
      if (stopping()) throw failure('SHUTTING_DOWN', undefined);
      if (recoveries > 0) {
        const component = components?.join(', ') ?? 'all';
        const why = 'components are being brought back to what they had saved: ask again when it is done';
        throw failure('ACTION_REFUSED', { action: 'checkpoint', component, why });
      }
      return barrier.run(components, by, timeoutMs);
    },

    async recover(wish, by) {
      if (stopping()) throw failure('SHUTTING_DOWN', undefined);
      void barrier.abort('components are being brought back to what they had saved');
      recoveries++;
      try {
        return await recover(wish, by, {
          start: (component) => actor.start(component, by),
          restart: (component) => actor.restart(component, by, true),
        });
      } finally {
        recoveries--;
      }
    },

    reload,
    breakers,
    degradation,
  };
  return actor;
}

/** @throws ACTION_FAILED when nobody can end it. */
async function hopedFor(component: string, action: string, life: Life | null, ending: Promise<void>): Promise<void> {
  try {
    await orUnkillable(life, ending);
  } catch (error) {
    throw failure('ACTION_FAILED', { action, component, why: sentenceOf(error) }, { cause: error });
  }
}

/** ` (pid 7)`, ` (container redis)`; empty when nothing runs. */
function asWhat({ life }: Keeper): string {
  const { process = null, engine } = life?.running ?? {};
  if (engine) return ` (${engine.engine} ${engine.name})`;
  return process ? ` (pid ${process.pid})` : '';
}

import type { Clock } from '../clock.ts';
import {
  engineOf as engineSettingsOf,
  formerOf,
  type Driver,
  type RecordedRun,
  type Running,
  type StartPlan,
  type Survivor,
} from '../drivers/index.ts';
import type {
  ComponentName,
  ComponentRecord,
  Emit,
  EventOf,
  IncarnationId,
  ProcessIdentity,
  StartReason,
} from '../model/index.ts';
import type { RestartRequest } from '../restart/index.ts';
import type { Keeper } from './keeper.ts';
import { bootOf, engineOf, incarnationOf, isThere, processOf } from './state.ts';

export interface BootDeps {
  readonly clock: Clock;
  readonly emit: Emit;
  readonly driver: Driver;
  readonly bootId: string;
  /** The daemon before this one was stopped together with its components: everything starts afresh. */
  readonly clean: boolean;
  readonly record: (component: ComponentName) => ComponentRecord;
  /** What the daemons before this one have decided last. */
  readonly lastDecision: (component: ComponentName) => EventOf<'restart.decided'> | undefined;
  /** Living processes that are ours. */
  readonly survivors: readonly Survivor[];
  /** How a life of it is run. */
  readonly plan: (keeper: Keeper, incarnation: IncarnationId) => StartPlan;
  /** Kills whatever carries this incarnation in its environment. */
  readonly sweep: (incarnation: IncarnationId) => Promise<void>;
  /** Told of what nobody can end. */
  readonly onProblem: (what: string, error: unknown) => void;
}

/**
 * Has the drivers do what would stand between the starts, beside whatever else goes on: to make the files of one takes
 * the system longer than to make its process. Never rejects.
 */
export async function prepare(keepers: readonly Keeper[], driver: Driver): Promise<void> {
  const wanted = keepers.filter(({ config }) => config.enabled);
  await Promise.all(
    wanted.map(async ({ name, config }) => driver.prepare?.({ component: name, engine: engineSettingsOf(config) })),
  );
}

/**
 * Takes over what outlived the daemon before this one, ends what should not be there, and starts the rest.
 * @param keepers in an order in which each comes after what it depends on.
 */
export async function boot(keepers: readonly Keeper[], deps: BootDeps): Promise<void> {
  const pending: Promise<unknown>[] = [];
  for (const keeper of keepers) {
    const own = deps.survivors.filter(({ component }) => component === keeper.name);
    const taken = takeOver(keeper, own, deps);
    // An engine is asked over whatever way leads to it: nobody waits for one to hear of another.
    pending.push(
      taken instanceof Promise
        ? taken.then((known) => settle(keeper, own, known, deps))
        : settle(keeper, own, taken, deps),
    );
  }
  // What a dead one has left behind may hold the port that the next one needs.
  await Promise.all(pending);
  // Second round: a start looks at its dependencies, and all that live are known by now.
  for (const keeper of keepers) if (!keeper.life) comeBack(keeper, deps);
}

/** What outlived the daemon before this one, and is kept now. */
interface Taken {
  readonly incarnation: IncarnationId;
  /** It is not what the configuration names by now. */
  readonly elsewhere: boolean;
}

/** What else is left of it goes; what was taken over goes on as it was meant to. */
function settle(keeper: Keeper, own: readonly Survivor[], taken: Taken | null, deps: BootDeps): Promise<unknown> {
  const left = new Set(own.map(({ incarnation }) => incarnation).filter((found) => found !== taken?.incarnation));
  // What an engine runs was taken over as it was: it may bear the mark of an earlier life.
  if (keeper.life?.running?.engine) left.clear();
  if (taken && isToStayDown(keeper, deps)) void keeper.stop('it is not meant to run');
  else if (taken?.elsewhere) void keeper.replace(true);
  else if (taken) putOff(keeper, deps);
  return Promise.all([...left].map(deps.sweep));
}

const runOf = ({ process, engine }: Running): RecordedRun => ({ process, engine: engine ?? null });

/** What runs, or ran, is not what the configuration names now. */
const isElsewhere = ({ config }: Keeper, run: RecordedRun): boolean =>
  formerOf(run, engineSettingsOf(config)) !== 'same';

/** What ran may still be there. @param bornIn as `bootOf` tells it: of nothing that ran, nothing is. */
export const isOfThisBoot = (bornIn: string | null | undefined, bootId: string): boolean =>
  bornIn === null || bornIn === bootId;

function tellOfUnreachable(component: ComponentName, { engine }: RecordedRun, { bootId, onProblem }: BootDeps): void {
  if (!engine || !isOfThisBoot(engine.bootId, bootId)) return;
  const what = `"${component}" (${engine.engine} ${engine.name}) is run in another way now`;
  onProblem(what, new Error('how to stop what ran before is no longer configured: it may still run'));
}

const isToStayDown = ({ name, config }: Keeper, { record, clean }: BootDeps): boolean =>
  !config.enabled || (record(name).held && !clean);

/** @returns null: there was nothing to take over. */
function takeOver(keeper: Keeper, own: readonly Survivor[], deps: BootDeps): Taken | null | Promise<Taken | null> {
  const { driver, record, plan } = deps;
  const settings = engineSettingsOf(keeper.config);
  const known = record(keeper.name);
  const take = (incarnation: IncarnationId, running: Running | null): Taken | null => {
    if (!running) return null;
    const elsewhere = isElsewhere(keeper, runOf(running));
    keeper.adopt(running, incarnation, elsewhere);
    return { incarnation, elsewhere };
  };
  const ask = (incarnation: IncarnationId, recorded: RecordedRun) => {
    const former = formerOf(recorded, settings);
    if (former === 'unreachable') {
      tellOfUnreachable(keeper.name, recorded, deps);
      return null;
    }
    const own = plan(keeper, incarnation);
    const running = driver.adopt(former === 'same' ? own : { ...own, engine: former.engine }, recorded);
    return running instanceof Promise ? running.then((found) => take(incarnation, found)) : take(incarnation, running);
  };
  const engine = engineOf(known.state);
  const last = incarnationOf(known.state);
  if (engine !== null) return last && ask(last, { process: processOf(known.state), engine });
  const leaders = own.filter((survivor) => survivor.leader && isTheComponent(survivor, known));
  const [newest] = leaders.toSorted((a, b) => b.process.startTime - a.process.startTime);
  const candidate = newest ?? recorded(incarnationOf(known.state), processOf(known.state));
  if (!candidate) return null;
  return ask(candidate.incarnation, { process: candidate.process, engine: null });
}

/**
 * A program that a component has started may lead a session of its own and outlive it: where the process is recorded,
 * nothing else will do but the process of a later start that could not be recorded (the disk was full).
 */
function isTheComponent({ incarnation, process }: Survivor, { state, lastEndAt }: ComponentRecord): boolean {
  const known = processOf(state);
  if (known === null) return incarnationOf(state) === null ? lastEndAt === null : incarnation === incarnationOf(state);
  return incarnation === incarnationOf(state)
    ? process.pid === known.pid && process.startTime === known.startTime
    : process.startTime > known.startTime;
}

/** Where nobody can look into another process, the database alone tells who it was. */
const recorded = (incarnation: IncarnationId | null, process: ProcessIdentity | null) =>
  incarnation !== null && process !== null ? { incarnation, process } : undefined;

/** It runs, but a restart of it was put off: that is asked for again when its time has come. */
function putOff(keeper: Keeper, { record, lastDecision }: BootDeps): void {
  const { state, recovery } = record(keeper.name);
  const last = lastDecision(keeper.name);
  if (state.is === 'running' && recovery && last) takeOverWait(keeper, last);
}

/** @returns false when nothing was put off. */
function takeOverWait(keeper: Keeper, last: EventOf<'restart.decided'>): boolean {
  const { decision, at } = last;
  if (decision.kind !== 'wait' && decision.kind !== 'blame') return false;
  keeper.defer({ request: requestOf(last), decision, at, why: decision.why });
  return true;
}

const requestOf = ({ reason, by }: EventOf<'restart.decided'>): RestartRequest => ({
  reason,
  by,
  force: false,
  crash: null,
});

/** What becomes of a component of which nothing lives. */
function comeBack(keeper: Keeper, deps: BootDeps): void {
  const { record, clean, clock, emit, bootId } = deps;
  const { state, held, recovery, mayRun } = record(keeper.name);
  const at = clock.now();
  if (isToStayDown(keeper, deps)) {
    layToRest(keeper, deps);
    // When its engine cannot be asked, the log says so.
    if (mayRun) void keeper.stop('it is not meant to run').catch(() => undefined);
    return;
  }
  if (clean && (held || state.is === 'failed'))
    emit({ type: 'component.released', component: keeper.name, at, by: 'person' });
  else if (state.is === 'failed') return;
  const ranElsewhere = isElsewhere(keeper, { process: processOf(state), engine: engineOf(state) });
  // It has gone with its parent: whose fault that was is asked there. Or the end was one of what runs it no longer.
  if (isThere(state) && (keeper.config.parent || ranElsewhere)) {
    layToRest(keeper, deps, 'restart');
    return keeper.begin('boot');
  }
  const sameBoot = isOfThisBoot(bootOf(state), bootId);
  switch (state.is) {
    case 'running':
      return sameBoot ? keeper.lost(state.incarnation) : keeper.begin('boot');
    case 'starting':
      return isThere(state) && sameBoot ? keeper.lost(state.incarnation) : keeper.begin('boot');
    case 'backoff':
      return resume(keeper, state.until === null ? 0 : state.until - at, recovery?.reason ?? 'boot', deps);
    case 'stopped':
      return state.settled && !clean ? undefined : keeper.begin('boot');
    case 'stopping':
    case 'failed':
      return keeper.begin('boot');
    default:
      return state satisfies never;
  }
}

/** It had gone while nobody was there to say so. */
function layToRest({ name }: Keeper, { record, clock, emit }: BootDeps, next: 'stop' | 'restart' = 'stop'): void {
  const incarnation = incarnationOf(record(name).state);
  if (incarnation === null) return;
  const exit = { code: null, signal: null };
  emit({ type: 'component.stopped', component: name, at: clock.now(), incarnation, exit, forced: false, next });
}

/** A start that was decided comes at its time; one that was put off must be decided anew. */
function resume(keeper: Keeper, delayMs: number, reason: StartReason, { lastDecision }: BootDeps): void {
  const last = lastDecision(keeper.name);
  if (last && takeOverWait(keeper, last)) keeper.recheck();
  else keeper.beginIn(delayMs, reason);
}

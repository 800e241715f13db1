import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createStateStore } from '../checkpoints/index.ts';
import { systemClock } from '../clock.ts';
import type { LoadedConfig } from '../config/index.ts';
import { createCrashReports, createOomWatch, oomCounterFiles } from '../crashes/index.ts';
import { createProcessDriver, createSweep, findSurvivors, systemBootId } from '../drivers/index.ts';
import { sha256 } from '../digest.ts';
import { failure, ParamedicError, sentenceOf } from '../errors.ts';
import { createHostSampler, createMonitor } from '../health/index.ts';
import { Shutdown } from '../lifecycle.ts';
import { epochMs, type ComponentName, type EpochMs, type EventOf, type RecoveryEvent } from '../model/index.ts';
import { createLedger } from '../restart/index.ts';
import { openEventStore, type EventStore } from '../storage/index.ts';
import { createLog, createMetrics, toGauges, toMetrics } from '../telemetry/index.ts';
import { createActor } from './actor.ts';
import { createAftermath } from './aftermath.ts';
import type { Daemon, ReloadView } from './api.ts';
import { boot } from './boot.ts';
import { createBus } from './bus.ts';
import type { ComponentTokens, House, Speaker, StatePaths } from './house.ts';
import { createKeepers, isWantedFirst, unmetOf, watch } from './keepers.ts';
import { createLoop } from './loop.ts';
import { applyConfig, watchHost } from './reload.ts';
import { Readings } from './readings.ts';
import { Roster, startOrder } from './roster.ts';
import { startRounds } from './rounds.ts';
import { allUp, serve } from './serve.ts';
import { namesOf, takeSnapshot } from './snapshot.ts';
import { incarnationOf } from './state.ts';

const HOUR_MS = 3_600_000;
const WEEK_MS = 7 * 24 * HOUR_MS;
/** Events go in slices, so that the loop is not held up. */
const PRUNE_SLICE = 2_000;
const CRASH_REPORTS = 200;

export interface SupervisorOptions {
  readonly loaded: LoadedConfig;
  /** Reads the configuration again; throws CONFIG_INVALID. */
  readonly reload: () => LoadedConfig;
  readonly recoveryMode: boolean;
  readonly version: string;
  readonly tokens: ComponentTokens;
  /** Where a test lets the daemon die. */
  readonly afterSpawn: (component: ComponentName) => void;
}

export interface Supervisor {
  readonly daemon: Daemon;
  /** Problems that belong to nobody in particular. */
  readonly onError: (what: string, error: unknown) => void;
  /** Takes over what lives, starts the rest. @param url where the children reach us. */
  boot(url: string): Promise<void>;
  /** Resolves with the exit code once a stop was asked for and all components are stopped or let go. */
  readonly finished: Promise<number>;
  /** Closes everything that was opened, in reverse. */
  close(): Promise<void>;
}

/** The folders of a state folder, made where they are missing. @throws STATE_DIR_UNUSABLE */
export function openStateDir(root: string): StatePaths {
  const inside = (name: string) => join(root, name);
  const paths = { root, db: inside('db'), logs: inside('logs'), crashes: inside('crashes'), tokens: inside('tokens') };
  try {
    for (const folder of Object.values(paths)) mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (!statSync(root).isDirectory()) throw new Error('it is not a folder');
  } catch (error) {
    throw failure('STATE_DIR_UNUSABLE', { folder: root, why: sentenceOf(error) }, { cause: error });
  }
  return paths;
}

interface Past {
  /** Restarts that were decided, and slates that were wiped, oldest first. */
  readonly decisions: readonly RecoveryEvent[];
  /** The daemon before this one was stopped together with its components: everything starts afresh. */
  readonly clean: boolean;
}

/** What must be known of earlier daemons. */
function readPast(store: EventStore | null, now: EpochMs): Past {
  if (!store) return { decisions: [], clean: false };
  const stopped = store.lastOf('daemon.stopped');
  return {
    decisions: store.since(['restart.decided', 'component.released'], epochMs(now - WEEK_MS)),
    clean: stopped !== undefined && !stopped.keptComponents && stopped.at >= (store.lastOf('daemon.started')?.at ?? 0),
  };
}

/** The composition root: opens and introduces everything, in the order in which it is closed again in reverse. */
export function createSupervisor(options: SupervisorOptions, paths: StatePaths): Supervisor {
  const { loaded, version, recoveryMode } = options;
  /** By their SHA-256, the tokens of adopted children that were made with a key that is lost: they hold as before. */
  const carried = new Map<string, Speaker>();
  const tokens: ComponentTokens = {
    componentToken: options.tokens.componentToken,
    readComponentToken: (token) => options.tokens.readComponentToken(token) ?? carried.get(sha256(token)),
  };
  const { config } = loaded;
  const clock = systemClock;
  const closing = new Shutdown();
  const now = clock.now();

  const log = createLog({
    ...config.telemetry.log,
    file: config.telemetry.log.file ? join(paths.logs, 'paramedic.log') : null,
  });
  closing.add('log', () => log.close());
  const onError = (what: string, error: unknown) => log.write('error', `${what}: ${sentenceOf(error)}`);

  let past = readPast(null, now);
  const { store, setAside } = openEventStore(
    join(paths.db, 'events.db'),
    {
      clock,
      onError: (error) => onError('events.db', error),
      onWritable: () => log.write('info', 'events.db is written again'),
    },
    (opened) => (past = readPast(opened, now)),
  );
  closing.add('events.db', () => store.close());
  const ledger = createLedger();
  for (const event of past.decisions) ledger.read(event);

  const bus = createBus({
    store,
    project: (event) => ledger.read(event),
    now: () => clock.now(),
    onError: (what, error) => onError(what, error),
  });
  const { emit } = bus;
  bus.subscribe(log.event.bind(log));

  const driver = createProcessDriver({ logsFolder: paths.logs, clock, onProblem: onError });
  closing.add('driver', () => driver.close());
  const monitor = createMonitor({ clock, emit, random: Math.random, intervals: config.intervals });
  closing.add('monitor', () => monitor.stop());
  const state = createStateStore({
    file: join(paths.db, 'state.db'),
    eventsFile: join(paths.db, 'events.db'),
    clock,
    emit,
    onError: (error) => onError('state.db', error),
  });
  closing.add('state.db', () => state.close());
  const reports = createCrashReports({
    folder: paths.crashes,
    logsFolder: paths.logs,
    clock,
    emit,
    keep: CRASH_REPORTS,
  });
  closing.add('crash reports', () => reports.idle());
  const oom = createOomWatch({ clock, files: oomCounterFiles() });
  closing.add('OOM watch', () => oom.close());

  const roster = new Roster();
  const readings = new Readings(now);
  bus.subscribe((event) => readings.read(event));
  const house: House = {
    clock,
    version,
    startedAt: now,
    recoveryMode,
    tokens,
    store,
    bus,
    ledger,
    driver,
    monitor,
    state,
    reports,
    oom,
    roster,
    readings,
    paths,
    loaded,
    url: '',
    phase: 'booting',
    minimalFirst: recoveryMode,
  };

  const metrics = createMetrics({
    seriesLimit: config.telemetry.series_limit,
    names: namesOf(config),
    gauges: () => toGauges(takeSnapshot(house)),
    nodeMetrics: true,
  });
  bus.subscribe((event) => metrics.apply(toMetrics(event)));

  let finish: (code: number) => void = () => {};
  const finished = new Promise<number>((resolve) => (finish = resolve));
  let stopRounds = () => {};
  const booted = Promise.withResolvers<void>();

  const stop = async (keepComponents: boolean, code: number): Promise<void> => {
    if (house.phase === 'stopping') return;
    house.phase = 'stopping';
    // What a boot has begun must be known before it can be stopped.
    await booted.promise;
    stopRounds();
    if (keepComponents) for (const keeper of roster) keeper.forsake();
    else await roster.stopAll('the daemon is stopping');
    emit({ type: 'daemon.stopped', at: clock.now(), keptComponents: keepComponents });
    finish(code);
  };

  bus.subscribe(createAftermath(reports));
  bus.subscribe(
    createLoop({
      roster,
      intervalOf: (keeper, check) => {
        const interval = keeper.config.checks[check]?.interval ?? 0;
        return typeof interval === 'number' ? interval : house.loaded.config.intervals[interval];
      },
      onFatal: () => void stop(false, 1),
    }),
  );
  bus.subscribe((event) => {
    if (event.type === 'component.ready' && house.minimalFirst) leaveMinimal();
  });

  /** In recovery mode: the others may start once all that is needed most is up. */
  function leaveMinimal(): void {
    house.minimalFirst = !allUp(
      house,
      [...roster].filter((keeper) => isWantedFirst(house, keeper)),
    );
    if (!house.minimalFirst) for (const keeper of roster) keeper.recheck();
  }

  const makeKeeper = createKeepers(house, options.afterSpawn);
  const reload = async (): Promise<ReloadView> => {
    if (house.phase === 'stopping') throw failure('SHUTTING_DOWN', undefined);
    try {
      const next = options.reload();
      const view = await applyConfig(house, next, makeKeeper);
      metrics.configure(namesOf(next.config));
      return view;
    } catch (error) {
      const problems = error instanceof ParamedicError ? error.message.split('\n') : [sentenceOf(error)];
      emit({ type: 'config.rejected', at: clock.now(), problems });
      throw error;
    }
  };
  const actor = createActor({
    roster,
    clock,
    emit,
    record: (keeper) => bus.record(keeper.name),
    unmet: (keeper) => unmetOf(house, keeper),
    stopping: () => house.phase === 'stopping',
    reload: async () => {
      const { added, removed, changed } = await reload();
      return `reloaded: ${added.length} added, ${removed.length} removed, ${changed.length} changed`;
    },
  });

  const daemon = serve({
    house,
    actor,
    reload,
    requestStop: ({ keepComponents }) => void stop(keepComponents, 0),
    metrics: metrics.render,
  });

  return {
    daemon,
    onError,
    finished,
    close: async () => {
      for (const { name, why } of await closing.run())
        process.stderr.write(`paramedic: ${name} did not close: ${why}\n`);
    },
    async boot(url) {
      house.url = url;
      emit({ type: 'daemon.started', at: clock.now(), pid: process.pid, version, recoveryMode });
      if (setAside) emit({ type: 'store.set_aside', at: clock.now(), store: 'events', ...setAside });

      for (const name of startOrder(config.components)) {
        const component = config.components[name];
        if (!component) continue;
        const keeper = makeKeeper(name, component);
        roster.add(keeper);
        watch(house, keeper);
      }
      const sweep = createSweep();
      const ours = (await findSurvivors()).filter((survivor) => {
        const { component, incarnation, token } = survivor;
        const speaker = options.tokens.readComponentToken(token);
        if (speaker) return speaker.component === component && speaker.incarnation === incarnation;
        // The key was lost, the database was not: nobody else could know the incarnation that it names.
        const isKnown = incarnationOf(bus.record(component).state) === incarnation;
        if (isKnown) carried.set(sha256(token), { component, incarnation });
        return isKnown;
      });
      if (recoveryMode) await state.verify();
      if (house.phase !== 'booting') return;
      await boot([...roster], {
        clock,
        emit,
        driver,
        bootId: systemBootId,
        clean: past.clean,
        record: bus.record,
        lastDecision: (component) =>
          past.decisions.findLast(
            (event): event is EventOf<'restart.decided'> =>
              event.type === 'restart.decided' && event.component === component,
          ),
        survivors: ours,
        sweep,
      });
      for (const stranger of ours.filter(({ component }) => !roster.find(component))) void sweep(stranger.incarnation);
      for (const { component } of store.records())
        if (!roster.find(component)) emit({ type: 'component.removed', component, at: clock.now() });

      watchHost(house);
      const upkeep = async () => {
        const policies = new Map([...roster].map((keeper) => [keeper.name, keeper.config.state]));
        await state.prune(policies);
        store.prune(epochMs(clock.now() - WEEK_MS), PRUNE_SLICE);
      };
      const sampler = createHostSampler([paths.root]);
      stopRounds = startRounds({
        clock,
        emit,
        roster,
        sampleHost: sampler,
        upkeep,
        onError: (error) => onError('rounds', error),
      });
      closing.add('rounds', () => stopRounds());
      booted.resolve();
      if (house.phase === 'booting') house.phase = 'supervising';
      try {
        readings.learn(await state.list());
        const integrity = await state.checkEvents();
        if (integrity !== 'ok') onError('events.db', new Error(integrity));
      } catch (error) {
        onError('state.db', error);
      }
    },
  };
}

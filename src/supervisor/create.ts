import type { LoadedConfig } from '../config/index.ts';
import { failure, ParamedicError, sentenceOf } from '../errors.ts';
import { createHostSampler } from '../health/index.ts';
import type { ComponentName } from '../model/index.ts';
import { createMetrics, toGauges, toMetrics } from '../telemetry/index.ts';
import { createRemediation, createRemediationDesk } from '../remediation/index.ts';
import { createActor } from './actor.ts';
import { createBarrier, liveOf } from './barrier.ts';
import { createAftermath } from './aftermath.ts';
import type { Daemon, ReloadView } from './api.ts';
import { arrive } from './arrive.ts';
import { createAsk } from './ask.ts';
import { createKeepers, unmetOf } from './keepers.ts';
import { createHouseExperiments } from './experiments.ts';
import { requireReady } from './house.ts';
import { createLoop } from './loop.ts';
import { openHouse, type OpenOptions } from './open.ts';
import { createNotify } from './notify.ts';
import { MEMORY_MS } from './past.ts';
import { reconcile } from './reconcile.ts';
import { applyConfig } from './reload.ts';
import { startRounds } from './rounds.ts';
import { serve } from './serve.ts';
import { namesOf, takeSnapshot } from './snapshot.ts';
import { remediationTarget } from './situation.ts';
import { createNotifications } from './notifications.ts';
import { createRecover } from './recover.ts';
import { createRecoveryMode } from './recovery-mode.ts';
import { createSystemRestart } from './system-restart.ts';
import { openTracer } from './traces.ts';
import { pruneStates, upkeep } from './upkeep.ts';
import type { StatePaths } from './state-dir.ts';

export interface SupervisorOptions extends OpenOptions {
  /** Reads the configuration again; throws CONFIG_INVALID. */
  readonly reload: () => LoadedConfig;
  /** Where a test lets the daemon die. */
  readonly afterSpawn: (component: ComponentName) => void;
}

export interface Supervisor {
  readonly daemon: Daemon;
  /** Problems that belong to nobody in particular. */
  readonly onError: (what: string, error: unknown) => void;
  /** Takes over what lives, starts the rest. @param url where the children reach us. */
  boot(url: string): Promise<void>;
  /** Rejects with STATE_LOCKED when state.db is encrypted with a key that is not configured: then nothing may begin. */
  readonly unlocked: Promise<void>;
  /** Resolves with the exit code once a stop was asked for and all components are stopped or let go. */
  readonly finished: Promise<number>;
  /** Resolves when a stop begins, whoever asked for it. */
  readonly stopping: Promise<void>;
  /** Closes everything that was opened, in reverse. */
  close(): Promise<void>;
}

/** The composition root of all that supervises: opens the house, introduces its people, boots and stops it. */
export function createSupervisor(options: SupervisorOptions, paths: StatePaths): Supervisor {
  const { house, state, past, setAside, closing, beginBeats, onError } = openHouse(options, paths);
  const { bus, clock, monitor, readings, roster, store } = house;
  const { emit } = bus;
  const makeKeeper = createKeepers(house, options.afterSpawn);
  const finished = Promise.withResolvers<number>();
  const stopping = Promise.withResolvers<void>();
  const booted = Promise.withResolvers<void>();

  const notifications = createNotifications(house, onError);
  closing.add('notifications', notifications.close);
  const tracer = openTracer(house, onError);
  if (tracer) closing.add('traces', tracer.close);
  const metrics = createMetrics({
    seriesLimit: house.loaded.config.telemetry.series_limit,
    names: namesOf(house.loaded.config),
    checkSeries: house.loaded.config.telemetry.check_series,
    gauges: () => toGauges(takeSnapshot(house, { experiments, remediation, tracer })),
    clock,
    nodeMetrics: true,
  });
  closing.add('metrics', metrics.close);
  const mode = createRecoveryMode(house);
  const systemRestart = createSystemRestart({
    house,
    past: past.systemRestarts,
    clean: past.clean,
    look: mode.look,
    onError: (error) => onError('system restart', error),
  });
  if (tracer) bus.subscribe(tracer.hear);
  bus.subscribe((event) => metrics.apply(toMetrics(event, tracer?.placeOf(event))));
  bus.subscribe(createAftermath(house.reports));
  bus.subscribe(
    createLoop({
      roster,
      intervalOf: (keeper, check) => {
        const interval = keeper.config.checks[check]?.interval ?? 0;
        return typeof interval === 'number' ? interval : house.loaded.config.intervals[interval];
      },
      onFatal: () => void stop(false, 1),
      onFailed: systemRestart.afterFailure,
    }),
  );
  bus.subscribe(mode.hear);
  bus.subscribe(notifications.hear);

  async function stop(keepComponents: boolean, code: number): Promise<void> {
    if (house.phase === 'stopping') return;
    house.phase = 'stopping';
    const released = barrier.abort('the daemon is stopping');
    stopping.resolve();
    experiments.stop();
    // A command that hangs has as long to end as the components have.
    void house.degradation.close();
    // What a boot has begun must be known before it can be stopped.
    await booted.promise;
    if (keepComponents) {
      // Who is let go of cannot be told any more that it need not stay paused.
      await released;
      for (const keeper of roster) keeper.forsake();
    } else
      for (const remaining of await roster.stopAll('the daemon is stopping'))
        process.stderr.write(`paramedic: left behind: ${remaining}\n`);
    emit({ type: 'daemon.stopped', at: clock.now(), keptComponents: keepComponents });
    finished.resolve(code);
  }

  async function reload(): Promise<ReloadView> {
    if (house.phase === 'stopping') throw failure('SHUTTING_DOWN', undefined);
    try {
      const next = options.reload();
      const view = await applyConfig(house, next, makeKeeper);
      metrics.configure(namesOf(next.config));
      notifications.configure();
      reconcile(house);
      return view;
    } catch (error) {
      const problems = error instanceof ParamedicError ? error.message.split('\n') : [sentenceOf(error)];
      emit({ type: 'config.rejected', at: clock.now(), problems });
      throw error;
    }
  }

  /** What nobody waits for: how old the newest checkpoints are, and whether events.db is sound. */
  /** Of a large file that takes seconds. */
  async function checkEvents(): Promise<void> {
    const integrity = await state.checkEvents();
    if (integrity !== 'ok') onError('events.db', new Error(integrity));
  }

  const barrier = createBarrier({
    clock,
    emit,
    commands: house.commands,
    writeManifest: state.writeManifest,
    names: () => [...roster].map(({ name }) => name),
    nameOf: (name) => roster.get(name).name,
    lifeOf: (name) => liveOf(roster, name),
    processOf: (name) => roster.processOf(name)?.name ?? name,
  });
  bus.subscribe(barrier.hear);
  const recover = createRecover(house);
  bus.subscribe(recover.hear);
  const actor = createActor({
    roster,
    commands: house.commands,
    barrier,
    clock,
    emit,
    record: (keeper) => bus.record(keeper.name),
    unmet: (keeper) => unmetOf(house, keeper),
    breakers: house.breakers,
    degradation: house.degradation,
    recover: recover.run,
    stopping: () => house.phase === 'stopping',
    incidents: house.desk,
    reload: async () => {
      const { added, removed, changed } = await reload();
      return `reloaded: ${added.length} added, ${removed.length} removed, ${changed.length} changed`;
    },
  });

  const act = createAsk(actor);
  const remediation = createRemediation({
    clock,
    emit,
    sync: () => store.sync(),
    policy: () => house.loaded.config.remediation,
    target: (component, force) => remediationTarget(house, component, force),
    act: async (action, parameters) => (await act(action, parameters, 'webhook')).message,
    requireReady: () => requireReady(house),
    past: past.remediations,
  });
  const experiments = createHouseExperiments(house, actor, past);

  const daemon = serve({
    house,
    act,
    remediation: createRemediationDesk({ remediation, clock, emit, newestOf: store.newestOf }),
    experiments,
    reload,
    requestStop: ({ keepComponents }) => void stop(keepComponents, 0),
    metrics: metrics.render,
    prune: () => pruneStates(house),
    systemRestart,
  });
  const notify = createNotify({
    root: paths.root,
    keepers: roster,
    beat: daemon.heartbeat,
    onError: (error) => onError('sd_notify', error),
  });
  house.notify = notify;
  closing.add('sd_notify', () => notify.close());

  return {
    daemon,
    onError,
    unlocked: state.unlocked,
    finished: finished.promise,
    stopping: stopping.promise,
    async close() {
      monitor.stop();
      for (const { name, why } of await closing.run())
        process.stderr.write(`paramedic: ${name} did not close: ${why}\n`);
    },
    async boot(url) {
      house.url = url;
      const { version, recoveryMode } = options;
      emit({ type: 'daemon.started', at: clock.now(), pid: process.pid, version, recoveryMode });
      if (setAside) emit({ type: 'store.set_aside', at: clock.now(), store: 'events', ...setAside });
      house.breakers.configure(house.loaded.config.breakers);
      house.degradation.configure(house.loaded.config);
      const sampleHost = createHostSampler([paths.root]);
      try {
        await arrive({ house, state, past, recover, makeKeeper, onError });
        const onRoundError = (error: unknown) => onError('rounds', error);
        closing.add('beats', beginBeats());
        closing.add(
          'rounds',
          startRounds({
            clock,
            emit,
            roster,
            saveStates: house.autoCheckpoint.tick,
            account: house.degradation.account,
            sampleHost,
            upkeep: () => upkeep(house, MEMORY_MS),
            pruneStates: () => pruneStates(house),
            onError: onRoundError,
          }),
        );
        if (house.phase === 'booting') house.phase = 'supervising';
        reconcile(house);
        house.degradation.begin();
        remediation.resume();
        systemRestart.resume();
      } finally {
        booted.resolve();
      }
      void experiments.resume().catch((error: unknown) => onError('experiments', error));
      const learned = state.remembered().then(readings.learn);
      void checkEvents().catch((error: unknown) => house.phase !== 'stopping' && onError('state.db', error));
      metrics.begin();
      await learned.catch((error: unknown) => onError('state.db', error));
    },
  };
}

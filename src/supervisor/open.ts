import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { createBreakers } from '../breakers/index.ts';
import { createDoubts, createStateStore, type ThreadedStateStore } from '../checkpoints/index.ts';
import { systemClock } from '../clock.ts';
import type { LoadedConfig } from '../config/index.ts';
import {
  createCrashReports,
  createOomWatch,
  oomCounterFiles,
  openKernelLog,
  type Stall,
  type StallWatchPlan,
} from '../crashes/index.ts';
import { randomHex } from '../digest.ts';
import { createDegradation } from '../degradation/index.ts';
import { createDrivers } from '../drivers/index.ts';
import { sentenceOf } from '../errors.ts';
import { createMonitor, createPings } from '../health/index.ts';
import { createIncidentBook, createIncidentDesk } from '../incidents/index.ts';
import { Shutdown } from '../lifecycle.ts';
import type { ComponentName, IncidentId, RecoveryEvent } from '../model/index.ts';
import { createLedger } from '../restart/index.ts';
import { openEventStore, type SetAside } from '../storage/index.ts';
import { createLog, toLog } from '../telemetry/index.ts';
import { announceBreakers, breakersNow } from './breaker-news.ts';
import { createAutoCheckpoint, saveableOf } from './auto-checkpoint.ts';
import { createBus } from './bus.ts';
import { createCommands } from './commands.ts';
import { createCredentials, type ComponentTokens } from './credentials.ts';
import { announceDegradation, degradationNow } from './degradation-news.ts';
import { degradationPorts } from './degradation-ports.ts';
import type { House } from './house.ts';
import { maskOf } from './mask.ts';
import { createMainBeats } from './main-beats.ts';
import { createInsiders } from './inside.ts';
import { noPast, readPast, type Past } from './past.ts';
import { Readings } from './readings.ts';
import { Roster } from './roster.ts';
import type { StatePaths } from './state-dir.ts';
import { stateThread } from './state-thread-ahead.ts';
import { goesOn } from './system-restart.ts';

export interface OpenOptions {
  readonly loaded: LoadedConfig;
  readonly recoveryMode: boolean;
  readonly version: string;
  readonly tokens: ComponentTokens;
  /** A service manager starts the daemon again when it ends. */
  readonly service: boolean;
  /** The state thread, when it was started ahead. */
  readonly stateThread?: Worker;
}

/** Everything that is open, before anything runs. */
export interface OpenHouse {
  readonly house: House;
  readonly state: ThreadedStateStore;
  readonly past: Past;
  /** events.db was damaged: where it lies now. */
  readonly setAside: SetAside | null;
  /** Closes in reverse what was opened here. */
  readonly closing: Shutdown;
  /** Has this thread watched from the other one. @returns how to end it. */
  readonly beginBeats: () => () => void;
  /** Hears of problems that belong to nobody in particular. */
  readonly onError: (what: string, error: unknown) => void;
}

/** Opens log, databases, driver and monitor and introduces them to each other. */
export function openHouse(options: OpenOptions, paths: StatePaths): OpenHouse {
  const { loaded, recoveryMode, version, tokens, service } = options;
  const { telemetry, intervals, state_encryption: encryption } = loaded.config;
  const clock = systemClock;
  const startedAt = clock.now();
  const closing = new Shutdown();

  const log = createLog({
    level: telemetry.log.level,
    file: telemetry.log.file ? join(paths.logs, 'paramedic.log') : null,
  });
  closing.add('log', () => log.close());
  const onError = (what: string, error: unknown) => log.write('error', `${what}: ${sentenceOf(error)}`);

  let past = noPast;
  const eventsFile = join(paths.db, 'events.db');
  const { store, setAside } = openEventStore(
    eventsFile,
    {
      clock,
      onError: (error) => onError('events.db', error),
      onWritable: () => log.write('info', 'events.db is written again'),
    },
    (opened) => (past = readPast(opened, startedAt)),
  );
  closing.add('events.db', () => store.close());

  const ledger = createLedger();
  const doubts = createDoubts();
  const project = (event: RecoveryEvent): void => {
    ledger.read(event);
    doubts.read(event);
  };
  for (const event of past.decisions) project(event);
  const incidents = createIncidentBook({
    newId: () => randomHex(16) as IncidentId,
    reopenWithinMs: () => house.loaded.config.incidents.reopen_within,
    known: past.incidents,
  });
  const bus = createBus({
    store,
    incidents,
    follow: (stated) => degradation.follow(stated),
    project,
    now: clock.now,
    onError,
  });
  const readings = new Readings(startedAt);
  bus.subscribe((event) => log.event(event));
  bus.subscribe((event) => readings.read(event));
  const { emit } = bus;
  const pings = createPings(past.pings);
  bus.subscribe((event) => {
    if (event.type === 'ping.received') pings.read(event);
  });

  const insiders = createInsiders({ house: () => house, onProblem: onError });
  const driver = createDrivers({
    logsFolder: paths.logs,
    clock,
    onProblem: onError,
    inside: insiders,
  });
  closing.add('driver', () => driver.close());
  const monitor = createMonitor({ clock, emit, random: Math.random, intervals });
  closing.add('monitor', () => monitor.stop());
  const beats = createMainBeats(clock);
  const watchPlan: StallWatchPlan = {
    beats: beats.shared,
    folder: paths.crashes,
    logFile: join(paths.logs, 'paramedic.log'),
    version,
    ends: service,
  };
  const state = createStateStore({
    file: join(paths.db, 'state.db'),
    checkpointsFolder: paths.checkpoints,
    eventsFile,
    onEventsMoved: store.renewWal,
    clock,
    schemaVersionOf: (component) => house.roster.find(component)?.config.state.schema_version,
    emit,
    onError: (error) => onError('state.db', error),
    onNotice: (notice) => log.write('info', `state.db: ${notice}`),
    keys: encryption ? [encryption.key, ...encryption.previous_keys] : [],
    workerEntry: stateThread,
    workerAhead: options.stateThread,
    besides: {
      data: watchPlan,
      hear: (stall) => emit({ type: 'daemon.stalled', at: clock.now(), ...(stall as Stall) }),
    },
  });
  closing.add('state.db', () => state.close());
  const reports = createCrashReports({
    folder: paths.crashes,
    logsFolder: paths.logs,
    clock,
    emit,
    retention: () => house.loaded.config.crashes,
  });
  closing.add('crash reports', () => reports.idle());
  const oom = createOomWatch({ clock, files: oomCounterFiles() });
  closing.add('OOM watch', () => oom.close());
  const kernelLog = openKernelLog(clock);
  closing.add('kernel log', () => kernelLog.close());
  const mask = maskOf(() => house);
  const breakers = createBreakers({ clock, emit, past: past.transitions, mask });
  closing.add('breakers', () => breakers.shutdown());
  const degradation = createDegradation({
    clock,
    emit,
    past: past.degradation,
    clean: past.clean,
    recoveryMode: recoveryMode || goesOn({ past: past.systemRestarts, clean: past.clean }, startedAt),
    mask,
    ...degradationPorts(() => house),
  });
  closing.add('degradation', () => degradation.close());

  const roster = new Roster();
  // One that was taken off the list lives until it has left, and is asked to over its line.
  const lifeOf = (component: ComponentName) => roster.processOf(component)?.life?.over.signal;
  const commands = createCommands({
    clock,
    putState: state.putState,
    lifeOf,
    onListen: insiders.heard,
    known: (kind) => {
      if (kind === 'breaker') return breakersNow({ breakers, clock });
      return kind === 'degradation' ? [degradationNow({ degradation })] : [];
    },
  });
  bus.subscribe(announceBreakers({ commands, clock }));
  bus.subscribe(announceDegradation({ commands, degradation }));
  bus.subscribe((event) => degradation.hear(event));

  const autoCheckpoint = createAutoCheckpoint({
    clock,
    commands,
    saveable: () => saveableOf(roster),
    journals: state.journals,
  });
  bus.subscribe(autoCheckpoint.read);

  const house: House = {
    clock,
    version,
    startedAt,
    recoveryMode,
    credentials: createCredentials(tokens),
    store,
    bus,
    incidents,
    desk: createIncidentDesk({ shelf: store, clock, emit, tell: (event) => toLog(event)?.message ?? event.type }),
    ledger,
    driver,
    monitor,
    state,
    doubts,
    pings,
    reports,
    oom,
    kernelLog,
    roster,
    commands,
    autoCheckpoint,
    breakers,
    degradation,
    readings,
    paths,
    booted: loaded,
    notify: { address: () => null },
    loaded,
    url: '',
    phase: 'booting',
    minimalFirst: recoveryMode,
  };
  return { house, state, past, setAside, closing, beginBeats: beats.begin, onError };
}

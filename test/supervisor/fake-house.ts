import Sqlite from 'better-sqlite3';
import { z } from 'zod';
import { createBreakers } from '../../src/breakers/index.ts';
import { createDegradation } from '../../src/degradation/index.ts';
import { createDoubts, type StateStore } from '../../src/checkpoints/index.ts';
import type { ComponentConfig, Config, LoadedConfig } from '../../src/config/index.ts';
import { configSchema } from '../../src/config/schema.ts';
import { createMonitor, type HealthMonitor, createPings } from '../../src/health/index.ts';
import { randomHex } from '../../src/digest.ts';
import { defineCheck } from '../../src/health/check.ts';
import {
  type CheckAction,
  type ComponentName,
  type HealthStatus,
  type IncidentId,
  type RecoveryEvent,
} from '../../src/model/index.ts';
import { registry } from '../../src/registry.ts';
import { createIncidentBook, createIncidentDesk } from '../../src/incidents/index.ts';
import { createLedger } from '../../src/restart/index.ts';
import { createEventStore } from '../../src/storage/index.ts';
import { eventMigrations } from '../../src/storage/migrations/events.ts';
import { createActor } from '../../src/supervisor/actor.ts';
import { createBus } from '../../src/supervisor/bus.ts';
import { createRecover } from '../../src/supervisor/recover.ts';
import { createAutoCheckpoint } from '../../src/supervisor/auto-checkpoint.ts';
import { createCommands } from '../../src/supervisor/commands.ts';
import { createCredentials } from '../../src/supervisor/credentials.ts';
import { degradationPorts } from '../../src/supervisor/degradation-ports.ts';
import type { House } from '../../src/supervisor/house.ts';
import { createKeepers, unmetOf, watch } from '../../src/supervisor/keepers.ts';
import { createLoop } from '../../src/supervisor/loop.ts';
import { Readings } from '../../src/supervisor/readings.ts';
import { applyConfig } from '../../src/supervisor/reload.ts';
import { createRecoveryMode } from '../../src/supervisor/recovery-mode.ts';
import { Roster, startOrder } from '../../src/supervisor/roster.ts';
import { startRounds } from '../../src/supervisor/rounds.ts';
import { upkeep } from '../../src/supervisor/upkeep.ts';
import { createSystemRestart } from '../../src/supervisor/system-restart.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { FakeDriver } from '../support/fake-driver.ts';

/** What the checks find; healthy unless told otherwise. */
export const wished = new Map<string, HealthStatus>();
const wish = defineCheck({
  kind: 'wish',
  summary: 'What the test wants to hear.',
  options: z.string(),
  run: (component) => ({ status: wished.get(component) ?? 'healthy', message: 'as wished', severity: 5 }),
});

/** A configuration with a check of each component's wished health. */
export function configure(text: Record<string, unknown>, checked: readonly string[], action: CheckAction = 'restart') {
  const config = configSchema.parse(text) as Config;
  const components: Record<string, ComponentConfig> = {};
  for (const [name, component] of Object.entries(config.components)) {
    const check = {
      kind: 'wish' as never,
      options: name as never,
      interval: 5_000,
      timeout: 1_000,
      failure_threshold: 3,
      success_threshold: 1,
      enabled: true,
      severity: null,
      action,
    };
    components[name] = checked.includes(name) ? { ...component, checks: { wish: check } } : component;
  }
  return { ...config, components };
}

/** Events are kept for an hour here: so a day shows whether they go. */
const HOUR_MS = 3_600_000;

const loaded = (config: Config): LoadedConfig => ({ file: '/fake/paramedic.yaml', config, masked: {}, secrets: [] });

/**
 * The supervisor's own parts (keepers, loop, rounds, actor, reload, ledger, monitor, bus, event store in memory)
 * around a clock and a driver that are the test's.
 */
export function fakeHouse(config: Config, random: () => number) {
  const clock = new FakeClock();
  const driver = new FakeDriver(clock);
  const db = new Sqlite(':memory:');
  for (const sql of eventMigrations) db.exec(sql);
  const problems: unknown[] = [];
  const onError = (error: unknown) => void problems.push(error);
  const store = createEventStore(db, { clock, onError, onWritable: () => {} });
  const ledger = createLedger();
  const events: RecoveryEvent[] = [];
  const incidents = createIncidentBook({
    newId: () => randomHex(16) as IncidentId,
    reopenWithinMs: () => config.incidents.reopen_within,
    known: [],
  });
  const bus = createBus({
    store,
    incidents,
    follow: (stated) => degradation.follow(stated),
    project: (event) => {
      ledger.read(event);
      events.push(event);
    },
    now: () => clock.now(),
    onError: (_what, error) => onError(error),
  });
  const { emit } = bus;
  const monitor: HealthMonitor = createMonitor({
    clock,
    emit,
    random,
    intervals: config.intervals,
    kinds: registry(wish),
  });
  const roster = new Roster();
  const readings = new Readings(clock.now());
  bus.subscribe((event) => readings.read(event));
  const putState = () => Promise.reject(new Error('no state here'));
  const commands = createCommands({ clock, putState, lifeOf: (name) => roster.find(name)?.life?.over.signal });
  const breakers = createBreakers({ clock, emit, past: [], mask: (text) => text });
  breakers.configure(config.breakers);
  const degradation = createDegradation({
    clock,
    emit,
    past: [],
    clean: true,
    recoveryMode: false,
    mask: (text) => text,
    ...degradationPorts(() => house),
    run: () => Promise.reject(new Error('no commands here')),
  });
  bus.subscribe((event) => degradation.hear(event));
  const house: House = {
    clock,
    version: '0',
    startedAt: clock.now(),
    recoveryMode: false,
    credentials: {
      ...createCredentials({ componentToken: () => '', readComponentToken: () => undefined }),
      vouch: () => true,
    },
    store,
    bus,
    incidents,
    desk: createIncidentDesk({ shelf: store, clock, emit, tell: ({ type }) => type }),
    ledger,
    driver: driver as never,
    monitor,
    pings: createPings([]),
    state: { prune: () => Promise.resolve(0) } as unknown as StateStore,
    doubts: createDoubts(),
    reports: { write: () => Promise.resolve() } as unknown as House['reports'],
    breakers,
    degradation,
    kernelLog: { wordOf: () => null, close: () => {} },
    oom: { killedJustNow: () => null, close: () => {} },
    roster,
    commands,
    autoCheckpoint: createAutoCheckpoint({ clock, commands, saveable: () => [], journals: () => false }),
    readings,
    paths: { root: '/', db: '/', logs: '/', crashes: '/', checkpoints: '/', tokens: '/' },
    booted: loaded(config),
    notify: { address: () => null },
    loaded: loaded(config),
    url: 'http://127.0.0.1:1',
    phase: 'supervising',
    minimalFirst: false,
  };
  degradation.configure(config);
  const mode = createRecoveryMode(house);
  const { afterFailure: onFailed } = createSystemRestart({ house, past: [], clean: true, look: mode.look, onError });
  bus.subscribe(createLoop({ roster, intervalOf: () => 5_000, onFatal: () => {}, onFailed }));
  bus.subscribe(mode.hear);
  const makeKeeper = createKeepers(house, () => {});
  for (const name of startOrder(config.components)) {
    const keeper = makeKeeper(name, config.components[name]!);
    roster.add(keeper);
    watch(house, keeper);
  }
  for (const keeper of roster) keeper.begin('boot');
  const stopRounds = startRounds({
    clock,
    emit,
    roster,
    saveStates: () => {},
    account: degradation.account,
    sampleHost: () => Promise.reject(new Error('no host')),
    upkeep: () => upkeep(house, HOUR_MS),
    pruneStates: () => Promise.resolve(),
    onError: () => {},
  });
  return {
    clock,
    db,
    driver,
    events,
    house,
    problems,
    roster,
    actor: createActor({
      barrier: { run: () => Promise.reject(new Error('no barrier here')), abort: () => Promise.resolve() },
      roster,
      commands,
      clock,
      emit,
      record: (keeper) => bus.record(keeper.name),
      unmet: (keeper) => unmetOf(house, keeper),
      stopping: () => house.phase === 'stopping',
      reload: () => Promise.resolve(''),
      incidents: house.desk,
      breakers,
      degradation,
      recover: createRecover(house).run,
    }),
    reload: (next: Config) => applyConfig(house, loaded(next), makeKeeper),
    record: (component: string) => bus.record(component as ComponentName),
    close() {
      stopRounds();
      breakers.shutdown();
      void degradation.close();
      monitor.stop();
      store.close();
      db.close();
    },
  };
}

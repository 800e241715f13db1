import { diffConfig, type LoadedConfig } from '../config/index.ts';
import { isElsewhere } from '../drivers/index.ts';
import { HOST, type ComponentName } from '../model/index.ts';
import type { ReloadView } from './api.ts';
import type { House } from './house.ts';
import type { Keeper } from './keeper.ts';
import { watch } from './keepers.ts';

/** Time that a logical component has to read its settings again. */
const RELOAD_MS = 10_000;

/**
 * Puts a new, valid configuration in force: what was removed is stopped, what was added is started, what runs
 * differently is replaced, the rest keeps running under its new rules; what only a new daemon can apply is named. Resolves when all of it is under way.
 */
export async function applyConfig(
  house: House,
  next: LoadedConfig,
  makeKeeper: (name: ComponentName, config: Keeper['config']) => Keeper,
): Promise<ReloadView> {
  const { added, removed, changed, restartNeeded } = diffConfig(house.loaded.config, next.config);
  const { daemonRestartNeeded } = diffConfig(house.booted.config, next.config);
  house.loaded = next;
  house.monitor.configure(next.config.intervals);
  house.breakers.configure(next.config.breakers);
  house.degradation.configure(next.config);
  watchHost(house);

  for (const name of removed) {
    const keeper = house.roster.get(name);
    house.roster.remove(keeper);
    void stopped(keeper, 'it was removed from the configuration').then(() => leave(house, keeper));
  }
  for (const name of changed) {
    const keeper = house.roster.get(name);
    const before = keeper.config;
    keeper.config = next.config.components[name] ?? keeper.config;
    watch(house, keeper);
    const { held, state } = house.bus.record(keeper.name);
    if (state.is === 'failed') release(house, keeper.name);
    if (!keeper.config.enabled) void stopped(keeper, 'it was disabled in the configuration');
    else if (!held && (!before.enabled || !keeper.life || restartNeeded.includes(name)))
      void keeper.replace(isElsewhere(before, keeper.config));
    else tellInside(house, keeper);
  }
  for (const name of added) {
    const config = next.config.components[name];
    if (!config) continue;
    const keeper = house.roster.leaving(name as ComponentName) ?? makeKeeper(name as ComponentName, config);
    keeper.config = config;
    house.roster.add(keeper);
    if (house.bus.record(keeper.name).held) release(house, keeper.name);
    watch(house, keeper);
    if (config.enabled) void keeper.replace();
  }
  house.bus.emit({
    type: 'config.reloaded',
    at: house.clock.now(),
    added: [...added],
    removed: [...removed],
    changed: [...changed],
    daemonRestartNeeded: [...daemonRestartNeeded],
  });
  return { added, removed, changed, daemon_restart_needed: daemonRestartNeeded };
}

/** What cannot be asked whether it runs is named in the log by its driver. */
const stopped = (keeper: Keeper, why: string): Promise<void> => keeper.stop(why).catch(() => undefined);

/** A logical component may have settings of its own to read again. Who does not listen for it need not know. */
function tellInside({ commands }: House, { name, config, life }: Keeper): void {
  if (!config.parent || !life || !commands.hears(name, 'reload')) return;
  // What it answers changes nothing: it says itself how it is.
  commands.order(name, 'reload', {}, RELOAD_MS).catch(() => undefined);
}

async function leave(house: House, keeper: Keeper): Promise<void> {
  if (!house.roster.gone(keeper)) return;
  const component = keeper.name;
  house.monitor.unwatch(component);
  await house.driver.forget(component);
  house.bus.emit({ type: 'component.removed', component, at: house.clock.now() });
}

/** Whoever edits a component wants to see how it does now: with a fresh budget. */
function release(house: House, component: ComponentName): void {
  house.bus.emit({ type: 'component.released', component, at: house.clock.now(), by: 'person' });
}

/** The machine's own checks run whatever the components do. */
export function watchHost(house: House): void {
  house.monitor.watch({
    component: HOST,
    checks: house.loaded.config.host.checks,
    cwd: house.paths.root,
    periodMs: 0,
    subject: {
      engine: () => null,
      process: () => null,
      usage: () => null,
      heartbeat: () => null,
      startedAt: () => null,
      ping: house.pings.of,
    },
  });
  house.monitor.resume(HOST);
}

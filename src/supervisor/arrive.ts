import type { ThreadedStateStore } from '../checkpoints/index.ts';
import type { ComponentConfig } from '../config/index.ts';
import { createSweep, findSurvivors, systemBootId } from '../drivers/index.ts';
import type { ComponentName } from '../model/index.ts';
import { boot, isOfThisBoot, prepare } from './boot.ts';
import type { House } from './house.ts';
import type { Keeper } from './keeper.ts';
import { startPlan, watch } from './keepers.ts';
import { lastDecision, type Past } from './past.ts';
import type { Recover } from './recover.ts';
import { watchHost } from './reload.ts';
import { startOrder } from './roster.ts';
import { engineOf, incarnationOf } from './state.ts';

export interface Arrival {
  readonly house: House;
  readonly state: Pick<ThreadedStateStore, 'verify'>;
  readonly past: Past;
  readonly recover: Pick<Recover, 'arrive'>;
  readonly makeKeeper: (name: ComponentName, config: ComponentConfig) => Keeper;
  /** Told of what nobody can end. */
  readonly onError: (what: string, error: unknown) => void;
}

/** Fills the house: takes over what an earlier daemon has left, ends what nobody wants, starts the rest. */
export async function arrive({ house, state, past, recover, makeKeeper, onError }: Arrival): Promise<void> {
  const { bus, clock, credentials, driver, roster } = house;
  const { components } = house.loaded.config;
  for (const name of startOrder(components)) {
    const config = components[name];
    if (!config) continue;
    const keeper = makeKeeper(name, config);
    roster.add(keeper);
    watch(house, keeper);
  }
  const prepared = prepare([...roster], driver);
  const survivors = (await findSurvivors()).filter((survivor) =>
    credentials.vouch(survivor, incarnationOf(bus.record(survivor.component).state)),
  );
  if (house.recoveryMode) await state.verify();
  await prepared;
  if (house.phase !== 'booting') return;
  recover.arrive();
  const sweep = createSweep();
  await boot([...roster], {
    clock,
    emit: bus.emit,
    driver,
    bootId: systemBootId,
    clean: past.clean,
    record: bus.record,
    plan: (keeper, incarnation) => startPlan(house, keeper, incarnation),
    lastDecision: (component) => lastDecision(past, component),
    survivors,
    sweep,
    onProblem: onError,
  });
  const strangers = survivors.filter(({ component }) => !roster.find(component));
  for (const { incarnation } of strangers) void sweep(incarnation);
  leaveOff(house, onError);
  watchHost(house);
}

/** What is no longer configured is forgotten, and named where it may still run. */
function leaveOff({ bus, clock, roster, store }: House, onError: Arrival['onError']): void {
  for (const { component, state } of store.records()) {
    if (roster.find(component)) continue;
    const engine = engineOf(state);
    // What lived inside another program, or before this boot, has gone.
    if (engine && engine.engine !== 'parent' && isOfThisBoot(engine.bootId, systemBootId))
      onError(
        `"${component}" is no longer configured`,
        new Error(`${engine.engine} ${engine.name} was left as it is: it may still run`),
      );
    bus.emit({ type: 'component.removed', component, at: clock.now() });
  }
}

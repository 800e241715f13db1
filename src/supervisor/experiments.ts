import type { Actor } from '../actions/index.ts';
import { createExperiments, type ExperimentControl, type Subject } from '../chaos/index.ts';
import { sameProcess } from '../drivers/index.ts';
import { requireReady, type House } from './house.ts';
import type { Keeper } from './keeper.ts';
import { objectivesOf } from './objectives.ts';
import type { Past } from './past.ts';
import { healthOf } from './serve.ts';
import { incarnationOf, stateName } from './state.ts';

/** Introduces the experiments to the house: what they see of it, and how they start what they have brought down. */
export function createHouseExperiments(house: House, actor: Pick<Actor, 'start'>, past: Past): ExperimentControl {
  const { bus, clock, roster } = house;
  return createExperiments({
    clock,
    emit: bus.emit,
    subscribe: bus.subscribe,
    components: () => [...roster].map((keeper) => subjectOf(house, keeper)),
    async remembers(component) {
      if (!roster.find(component)?.config.state.preserve) return false;
      return (await house.state.remembered()).some((known) => known.component === component);
    },
    start: (component) => actor.start(component, 'person'),
    sameProcess,
    objectivesOf: (component) => objectivesOf(roster.get(component).config),
    allow: () => requireReady(house),
    past: past.experiments,
  });
}

function subjectOf(house: House, keeper: Keeper): Subject {
  const { state, held } = house.bus.record(keeper.name);
  return {
    component: keeper.name,
    priority: keeper.config.priority,
    enabled: keeper.config.enabled,
    held,
    state: stateName(state),
    health: healthOf(house, keeper),
    process: keeper.process,
    incarnation: incarnationOf(state),
    why: keeper.waitingFor || ('why' in state ? state.why : ''),
  };
}

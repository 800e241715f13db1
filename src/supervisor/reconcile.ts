import type { House } from './house.ts';

/**
 * Whom an earlier daemon has left unhealthy and whose failing check has gone since: nothing else would say that it is
 * well. Those that have checks are judged by their results, as always.
 */
function reconcileHealth({ bus, clock, monitor, roster }: House): void {
  for (const { name: component } of roster) {
    const { state } = bus.record(component);
    if (state.is !== 'running' || state.health === 'healthy' || monitor.statusOf(component) !== 'healthy') continue;
    const why = 'no check says otherwise';
    bus.emit({
      type: 'component.health_changed',
      at: clock.now(),
      component,
      from: state.health,
      to: 'healthy',
      why,
    });
  }
}

/**
 * Ends the incidents of what has gone without a word: a component that is not meant to run any more, a breaker or a
 * check that is no longer configured, or that closed while no daemon looked. Called when the configuration is known
 * to be in force: after the boot, and after each reload.
 */
export function reconcile(house: House): void {
  reconcileHealth(house);
  for (const { id, component, breaker, signature, recovering } of house.incidents.open()) {
    const why =
      breaker === null ? goneBecause(house, component, signature, recovering !== null) : closedBecause(house, breaker);
    if (why !== undefined) house.desk.resolve(id, why, 'itself');
  }
}

function closedBecause({ breakers }: House, name: string): string | undefined {
  const breaker = breakers.list().find((one) => one.name === name);
  if (!breaker) return 'the breaker is no longer configured';
  return breaker.state === 'closed' ? 'the breaker is closed' : undefined;
}

function goneBecause(house: House, component: string, signature: string, recovering: boolean): string | undefined {
  const { host } = house.loaded.config;
  const config = house.roster.find(component)?.config;
  const checks = component === 'host' ? host.checks : config?.checks;
  if (!checks) return 'it is no longer configured';
  if (config && !config.enabled) return 'it is not meant to run any more';
  const [, check] = /^check:(.+)$/.exec(signature) ?? [];
  if (check === undefined || recovering || checks[check]?.enabled) return undefined;
  return `the check ${check} is no longer configured`;
}

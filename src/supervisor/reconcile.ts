import type { House } from './house.ts';

/**
 * Ends the incidents of what has gone without a word: a component that is not meant to run any more, a breaker or a
 * check that is no longer configured, or that closed while no daemon looked. Called when the configuration is known
 * to be in force: after the boot, and after each reload.
 */
export function reconcileIncidents(house: House): void {
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

import { sameSecret } from '../digest.ts';
import { pingOf } from '../health/index.ts';
import { HOST, type ComponentName } from '../model/index.ts';
import type { Daemon } from './api.ts';
import type { House } from './house.ts';

/** States a ping for every check that has its token. @returns false: none has. */
export function receivePing(
  { loaded, bus, clock }: House,
  token: string,
  told: Parameters<Daemon['ping']>[1],
): boolean {
  const { host, components } = loaded.config;
  const all = [
    [HOST, host.checks] as const,
    ...Object.entries(components).map(([name, { checks }]) => [name, checks] as const),
  ];
  const found = all.flatMap(([component, checks]) =>
    Object.entries(checks)
      .filter(([, { kind, options }]) => kind === 'ping' && sameSecret(token, (options as { token: string }).token))
      .map(([check]) => ({ component: component as ComponentName, check })),
  );
  for (const of of found) bus.emit({ type: 'ping.received', at: clock.now(), ...of, ping: pingOf(token), ...told });
  return found.length > 0;
}

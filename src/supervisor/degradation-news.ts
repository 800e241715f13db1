import type { Listener } from '../model/index.ts';
import type { Command } from './command-lines.ts';
import type { House } from './house.ts';

/** What is on and what is not, as a component hears it: whole, and as it is. */
export const degradationNow = ({ degradation }: Pick<House, 'degradation'>): Command['data'] => ({
  ...degradation.standing(),
});

/**
 * Tells components that listen for it when anything of it has changed: once, however many features went together. A
 * reason or a fallback changes with an event of something else: a component, the configuration.
 */
export function announceDegradation({ commands, degradation }: Pick<House, 'commands' | 'degradation'>): Listener {
  let told = degradation.standing();
  return () => {
    const now = degradation.standing();
    if (now === told) return;
    told = now;
    commands.announce('degradation', degradationNow({ degradation }));
  };
}

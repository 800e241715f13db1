import type { BreakerState, EpochMs, Listener } from '../model/index.ts';
import type { Command } from './command-lines.ts';
import type { House } from './house.ts';

/** How a breaker is, as a component hears it. */
const news = (breaker: string, state: BreakerState, until: EpochMs | null, now: EpochMs): Command['data'] => ({
  breaker,
  state,
  wait_ms: until === null ? 0 : Math.max(0, until - now),
});

/** What a component that begins to listen must know: every other breaker is closed. */
export const breakersNow = ({ breakers, clock }: Pick<House, 'breakers' | 'clock'>): Command['data'][] =>
  breakers
    .list()
    .filter(({ state }) => state !== 'closed')
    .map(({ name, state, until }) => news(name, state, until, clock.now()));

/** Tells components that listen for it when a breaker has changed. */
export const announceBreakers =
  ({ commands, clock }: Pick<House, 'commands' | 'clock'>): Listener =>
  (event) => {
    if (event.type === 'breaker.transitioned')
      commands.announce('breaker', news(event.breaker, event.to, event.until, clock.now()));
  };

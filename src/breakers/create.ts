import { randomInt } from 'node:crypto';
import { failure } from '../errors.ts';
import { HOST, type EventOf, type Trigger } from '../model/index.ts';
import { Breaker, type BreakerDeps } from './breaker.ts';
import type { Breakers } from './breakers.ts';
import type { Wish } from './decide.ts';

export interface BreakersDeps extends Omit<BreakerDeps, 'firstEpoch'> {
  /** Transitions of earlier daemons, oldest first. */
  readonly past: readonly EventOf<'breaker.transitioned'>[];
  readonly firstEpoch?: () => number;
}

const EPOCHS = 2 ** 47;

/** There are none until `configure` is called. */
export function createBreakers({ past, ...given }: BreakersDeps): Breakers {
  const breakers = new Map<string, Breaker>();
  const last = new Map(past.map((event) => [event.breaker, event]));
  const deps: BreakerDeps = {
    firstEpoch: () => randomInt(EPOCHS),
    ...given,
    emit(...events) {
      for (const event of events) if (event.type === 'breaker.transitioned') last.set(event.breaker, event);
      given.emit(...events);
    },
  };

  const find = (name: string): Breaker => {
    const breaker = breakers.get(name);
    if (!breaker) throw failure('BREAKER_NOT_FOUND', { breaker: name });
    return breaker;
  };

  const act = (name: string, wish: Wish, trigger: Trigger, done: string): string => {
    const changed = find(name).obey(wish, trigger);
    return `${name} is ${changed || wish === 'reset' ? done : `${done} already`}`;
  };

  function remove(name: string, breaker: Breaker): void {
    // Whoever names it again later begins anew.
    breaker.obey('remove', 'manual');
    breaker.close();
    breakers.delete(name);
  }

  return {
    list: () => [...breakers.values()].map(({ status }) => status),
    get: (name) => find(name).status,
    permit: (name, caller) => find(name).permit(caller),

    report(outcomes, caller) {
      const unknown = new Set<string>();
      for (const outcome of outcomes) {
        const breaker = breakers.get(outcome.dependency);
        if (breaker) breaker.report(outcome, caller);
        else unknown.add(outcome.dependency);
      }
      return { unknown: [...unknown] };
    },

    async call(name, run, caller = HOST) {
      const breaker = find(name);
      const permission = breaker.permit(caller);
      if (!permission.permitted) {
        const { state, waitMs } = permission;
        throw failure('BREAKER_OPEN', { breaker: name, state, waitMs });
      }
      return breaker.run(run, permission.permit, caller);
    },

    open: (name, trigger) => act(name, 'open', trigger, 'forced open'),
    close: (name, trigger) => act(name, 'close', trigger, 'forced closed'),
    reset: (name, trigger) => act(name, 'reset', trigger, 'reset: closed, and judging by itself'),

    configure(policies) {
      for (const [name, breaker] of breakers) if (!Object.hasOwn(policies, name)) remove(name, breaker);
      for (const [name, policy] of Object.entries(policies)) {
        const known = breakers.get(name);
        if (known) known.policy = policy;
        else breakers.set(name, new Breaker(name, policy, last.get(name), deps));
      }
    },

    shutdown() {
      for (const breaker of breakers.values()) breaker.close();
      breakers.clear();
    },
  };
}

import type { ComponentName, RecoveryEvent } from '../model/index.ts';
import type { DegradationConfig } from './degradation.ts';
import type { Gone } from './features.ts';

/** A component is not there for good any more, or is there again. */
export interface Change {
  readonly component: ComponentName;
  /** In words that follow its name; null: it is there again, or nobody speaks of it any more. */
  readonly why: string | null;
}

/** What an event says of a component's being there; null: nothing. What is being brought back is not lost. */
export function changeBy(event: RecoveryEvent): Change | null {
  if (event.type === 'component.failed') return { component: event.component, why: 'has failed' };
  if (event.type === 'component.held') return { component: event.component, why: 'was stopped' };
  if (event.type === 'component.ready' || event.type === 'component.removed')
    return { component: event.component, why: null };
  if (event.type !== 'restart.decided') return null;
  const { component, decision } = event;
  // What still lives is ended only then: nobody is to lean on it any more.
  if (decision.kind === 'fail') return { component, why: 'has failed' };
  if (decision.kind !== 'stay') return null;
  // An exit code that means done is a welcome end: what it has done is there.
  return { component, why: decision.rule === 'exit_codes' ? null : 'has ended and is not started again' };
}

/** The components that are not there, and why. */
export class Losses {
  readonly #gone = new Map<ComponentName, string>();
  readonly #goneBecause: (component: ComponentName) => string | null;

  /** @param goneBecause asked of what is configured, or enabled, from now on. */
  constructor(goneBecause: (component: ComponentName) => string | null) {
    this.#goneBecause = goneBecause;
  }

  get gone(): Gone {
    return this.#gone;
  }

  /** @returns whether it changes anything. */
  take({ component, why }: Change): boolean {
    if (why === null) return this.#gone.delete(component);
    if (this.#gone.get(component) === why) return false;
    this.#gone.set(component, why);
    return true;
  }

  configure(next: DegradationConfig['components'], before: DegradationConfig['components']): void {
    for (const [name, { enabled }] of Object.entries(next)) {
      const component = name as ComponentName;
      const was = before[name]?.enabled;
      if (!enabled) this.#gone.set(component, 'is disabled');
      else if (was !== true) {
        // What is enabled again is started, and there when it is ready.
        const why = this.#goneBecause(component) ?? (was === false ? 'is not ready yet' : null);
        if (why !== null) this.#gone.set(component, why);
      }
    }
    for (const name of this.#gone.keys()) if (!Object.hasOwn(next, name)) this.#gone.delete(name);
  }
}

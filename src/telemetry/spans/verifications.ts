import type { ComponentName, ComponentRecord, EventOf, RecoveryEvent } from '../../model/index.ts';
import type { Verifying } from './context.ts';

interface Past {
  records(): readonly ComponentRecord[];
  lastOf(type: 'recovery.started', component: ComponentName): EventOf<'recovery.started'> | undefined;
}

/**
 * Which components have a process that a recovery is verifying: their checks belong to it. A fold of the events in
 * the order in which they are told, which is later than the records' own.
 */
export class Verifications {
  readonly #open = new Map<ComponentName, Verifying>();
  readonly #verifying = new Set<ComponentName>();

  /** @param past what a daemon that died has left under way. */
  constructor(past: Past) {
    for (const { component, recovery, state } of past.records()) {
      if (recovery === null) continue;
      const started = past.lastOf('recovery.started', component);
      const incident = started?.recovery === recovery.id ? started.incident : undefined;
      this.#open.set(component, { recovery: recovery.id, incident });
      if (state.is === 'starting' && (state.process !== null || state.engine !== undefined))
        this.#verifying.add(component);
    }
  }

  of(component: ComponentName): Verifying | null {
    return (this.#verifying.has(component) && this.#open.get(component)) || null;
  }

  read(event: RecoveryEvent): void {
    const { type } = event;
    if (type === 'recovery.started')
      this.#open.set(event.component, { recovery: event.recovery, incident: event.incident });
    if (type === 'component.started' && this.#open.has(event.component)) this.#verifying.add(event.component);
    if (type === 'component.stopping' || type === 'component.crashed') this.#verifying.delete(event.component);
    if (type !== 'recovery.finished' && type !== 'component.removed') return;
    this.#open.delete(event.component);
    this.#verifying.delete(event.component);
  }
}

import type { Remembered } from '../checkpoints/index.ts';
import type { ComponentName, EpochMs, EventOf, ProcessUsage, RecoveryEvent } from '../model/index.ts';

interface Reading {
  readonly usage: ProcessUsage | null;
  /** What it reported with its last heartbeat. */
  readonly metrics: EventOf<'heartbeat.received'>['metrics'];
  readonly checkpoint: { readonly sizeBytes: number; readonly capturedAt: EpochMs } | null;
}

const NOTHING: Reading = { usage: null, metrics: [], checkpoint: null };

/** The newest of what is told and not stored: a projection for views and scrapes. */
export class Readings {
  readonly #components = new Map<ComponentName, Reading>();
  host: EventOf<'host.sampled'> | null = null;
  lastTickAt: EpochMs | null = null;
  /** When the alert that always fires last arrived. */
  lastWatchdogAt: EpochMs | null = null;
  lastReload: { readonly ok: boolean; readonly successAt: EpochMs };

  constructor(startedAt: EpochMs) {
    this.lastReload = { ok: true, successAt: startedAt };
  }

  of(component: ComponentName): Reading {
    return this.#components.get(component) ?? NOTHING;
  }

  /** The newest checkpoints that an earlier daemon has written. */
  learn(remembered: readonly Remembered[]): void {
    for (const { component, newest } of remembered)
      if (newest && newest.at > (this.of(component).checkpoint?.capturedAt ?? 0))
        this.#set(component, { checkpoint: { sizeBytes: newest.size_bytes, capturedAt: newest.at } });
  }

  read(event: RecoveryEvent): void {
    if (event.type === 'host.sampled') this.host = event;
    else if (event.type === 'daemon.ticked') this.lastTickAt = event.at;
    else if (event.type === 'alert.received' && event.alert?.name === 'ParamedicWatchdog')
      this.lastWatchdogAt = event.at;
    else if (event.type === 'config.reloaded') this.lastReload = { ok: true, successAt: event.at };
    else if (event.type === 'config.rejected') this.lastReload = { ...this.lastReload, ok: false };
    else if (event.type === 'component.sampled') this.#set(event.component, { usage: event.usage });
    else if (event.type === 'component.stopped' || event.type === 'component.crashed')
      this.#set(event.component, { usage: null, metrics: [] });
    else if (event.type === 'heartbeat.received') this.#set(event.component, { metrics: event.metrics });
    else if (event.type === 'checkpoint.written')
      this.#set(event.component, { checkpoint: { sizeBytes: event.sizeBytes, capturedAt: event.capturedAt } });
    else if (event.type === 'component.removed') this.#components.delete(event.component);
  }

  #set(component: ComponentName, change: Partial<Reading>): void {
    this.#components.set(component, { ...this.of(component), ...change });
  }
}

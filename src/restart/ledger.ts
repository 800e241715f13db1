import type { ComponentName, EpochMs, RecoveryEvent } from '../model/index.ts';

const HOUR_MS = 3_600_000;

/** The counted restarts of each component and of the host: what the budgets are measured against. */
export interface RestartLedger {
  /** Reads one event, live or from the store: counted restarts add up, a person's release wipes the slate. */
  read(event: RecoveryEvent): void;
  /** Start times within the last `windowMs`, oldest first. */
  of(component: ComponentName, windowMs: number, now: EpochMs): readonly EpochMs[];
  /** Start times of automatic restarts on this host within the last hour, oldest first. */
  host(now: EpochMs): readonly EpochMs[];
}

export function createLedger(): RestartLedger {
  const byComponent = new Map<ComponentName, EpochMs[]>();
  let host: EpochMs[] = [];

  /** Times come in order, so what is too old stands in front. */
  const prune = (times: EpochMs[], windowMs: number, now: EpochMs): EpochMs[] => {
    const first = times.findIndex((at) => now - at < windowMs);
    return first === 0 ? times : first < 0 ? [] : times.slice(first);
  };

  return {
    read(event) {
      if (event.type === 'component.released' || event.type === 'component.removed')
        byComponent.delete(event.component);
      if (event.type !== 'restart.decided' || event.decision.kind !== 'restart' || !event.counted) return;
      const times = byComponent.get(event.component);
      if (times) times.push(event.at);
      else byComponent.set(event.component, [event.at]);
      if (event.by === 'supervisor') host.push(event.at);
    },
    of(component, windowMs, now) {
      const times = prune(byComponent.get(component) ?? [], windowMs, now);
      byComponent.set(component, times);
      return times;
    },
    host(now) {
      host = prune(host, HOUR_MS, now);
      return host;
    },
  };
}

import { faultOf, type ComponentName, type EpochMs, type EventOf, type RecoveryEvent } from '../model/index.ts';
import { DAY_MS, type Faults } from './slow-loop.ts';

const HOUR_MS = 3_600_000;
/** The same fault once more so soon tells nothing new: what crashes all day must not fill the memory. */
const FAULT_GAP_MS = 1_000;

/** The counted restarts and the faults of each component, and the host's restarts: what decisions are measured against. */
export interface RestartLedger {
  /** Reads one event, live or from the store: counted restarts and faults add up, a person's release wipes the slate. */
  read(event: RecoveryEvent): void;
  /** Start times within the last `windowMs`, oldest first. */
  of(component: ComponentName, windowMs: number, now: EpochMs): readonly EpochMs[];
  /** The faults of its own that it died of within the last day. */
  faults(component: ComponentName, now: EpochMs): Faults;
  /** When a component blamed each of its dependencies last. */
  blamed(component: ComponentName): ReadonlyMap<ComponentName, EpochMs>;
  /** Start times of automatic restarts on this host within the last hour, oldest first. */
  host(now: EpochMs): readonly EpochMs[];
}

export function createLedger(): RestartLedger {
  const byComponent = new Map<ComponentName, EpochMs[]>();
  const faults = new Map<ComponentName, Map<string, EpochMs[]>>();
  const blamed = new Map<ComponentName, Map<ComponentName, EpochMs>>();
  let host: EpochMs[] = [];

  /** Times come in order, so what is too old stands in front. */
  const prune = (times: EpochMs[], windowMs: number, now: EpochMs): EpochMs[] => {
    const first = times.findIndex((at) => now - at < windowMs);
    return first === 0 ? times : first < 0 ? [] : times.slice(first);
  };

  const blame = (event: EventOf<'component.crashed'>): void => {
    const signature = faultOf(event);
    if (signature === null) return;
    const own = faults.get(event.component) ?? new Map<string, EpochMs[]>();
    faults.set(event.component, own);
    const times = own.get(signature);
    if (!times) own.set(signature, [event.at]);
    else if (event.at - (times.at(-1) ?? 0) >= FAULT_GAP_MS) times.push(event.at);
  };

  return {
    read(event) {
      if (event.type === 'component.crashed') blame(event);
      if (event.type === 'component.released' || event.type === 'component.removed') {
        byComponent.delete(event.component);
        faults.delete(event.component);
        blamed.delete(event.component);
      }
      if (event.type === 'restart.decided' && event.decision.kind === 'blame') {
        const own = blamed.get(event.component) ?? new Map<ComponentName, EpochMs>();
        blamed.set(event.component, own.set(event.decision.dependency, event.at));
      }
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
    faults(component, now) {
      const own = faults.get(component) ?? new Map<string, EpochMs[]>();
      for (const [signature, times] of own) {
        const recent = prune(times, DAY_MS, now);
        if (recent.length > 0) own.set(signature, recent);
        else own.delete(signature);
      }
      return own;
    },
    blamed: (component) => blamed.get(component) ?? new Map(),
    host(now) {
      host = prune(host, HOUR_MS, now);
      return host;
    },
  };
}

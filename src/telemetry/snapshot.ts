import type { BreakerStatus } from '../breakers/index.ts';
import type { CheckState } from '../health/index.ts';
import type {
  ActionName,
  ComponentStateName,
  DegradationLevel,
  EpochMs,
  EventFields,
  Incident,
  Priority,
  ProcessUsage,
  StoreName,
  TelemetrySink,
} from '../model/index.ts';

/** What the service promises unless the configuration says otherwise. */
export const defaultObjectives: Objectives = { rtoMs: 30_000, rpoMs: 5_000 };

export interface Objectives {
  readonly rtoMs: number;
  readonly rpoMs: number;
}

/** One component as it is at this moment. */
export interface ComponentSnapshot {
  readonly component: string;
  /** How it runs: the driver's kind. */
  readonly kind: string;
  readonly priority: Priority;
  readonly enabled: boolean;
  readonly state: ComponentStateName;
  /** Of the current incarnation; null while there is none. */
  readonly startedAt: EpochMs | null;
  readonly lastCrashAt: EpochMs | null;
  readonly recovering: boolean;
  /** The delay that it is waiting out; 0 when it is not. */
  readonly backoffMs: number;
  readonly budget: { readonly used: number; readonly limit: number };
  /** null while nothing runs. */
  readonly usage: ProcessUsage | null;
  readonly checks: readonly CheckState[];
  readonly checkpoint: { readonly sizeBytes: number; readonly capturedAt: EpochMs } | null;
  /** Age of the oldest change that a crash would lose; null: it does not say. */
  readonly dirtyMs: number | null;
  /** The `metrics` of its last heartbeat. */
  readonly metrics: readonly { readonly name: string; readonly value: number }[];
  readonly objectives: Objectives;
}

/** One experiment as it is at this moment. */
export interface ExperimentSnapshot {
  readonly experiment: string;
  readonly active: boolean;
  readonly lastRunAt: EpochMs | null;
}

/** One breaker as it is at this moment. */
export type BreakerSnapshot = Pick<BreakerStatus, 'name' | 'state' | 'since' | 'failureRatio'>;

/** All that is a state, at the moment of a scrape. */
export interface Snapshot {
  readonly build: { readonly version: string; readonly revision: string; readonly nodeVersion: string };
  readonly config: { readonly lastReloadOk: boolean; readonly lastSuccessAt: EpochMs };
  readonly lastTickAt: EpochMs | null;
  readonly storageBytes: Readonly<Partial<Record<StoreName, number>>>;
  readonly host: EventFields['host.sampled'] | null;
  readonly hostChecks: readonly CheckState[];
  readonly components: readonly ComponentSnapshot[];
  readonly remediation: {
    readonly enabled: boolean;
    /** Actions under way. */
    readonly running: readonly ActionName[];
    /** When the alert that always fires last arrived; null: never. */
    readonly lastWatchdogAt: EpochMs | null;
  };
  /** Those that are there: none for what is switched off. */
  readonly queues: readonly { readonly sink: TelemetrySink; readonly length: number; readonly capacity: number }[];
  readonly openIncidents: readonly Pick<Incident, 'severity' | 'startedAt'>[];
  /** All that there are. */
  readonly experiments: readonly ExperimentSnapshot[];
  readonly breakers: readonly BreakerSnapshot[];
  readonly degradation: {
    readonly level: DegradationLevel;
    /** The most important first. */
    readonly features: readonly { readonly feature: string; readonly enabled: boolean }[];
  };
}

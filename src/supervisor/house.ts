import type { Breakers } from '../breakers/index.ts';
import type { Doubts, StateStore } from '../checkpoints/index.ts';
import type { Clock } from '../clock.ts';
import type { LoadedConfig } from '../config/index.ts';
import type { CrashReports, KernelLog, OomWatch } from '../crashes/index.ts';
import type { Degradation } from '../degradation/index.ts';
import type { Driver } from '../drivers/index.ts';
import { failure } from '../errors.ts';
import type { HealthMonitor, Pings } from '../health/index.ts';
import type { IncidentBook, IncidentDesk } from '../incidents/index.ts';
import type { EpochMs } from '../model/index.ts';
import type { RestartLedger } from '../restart/index.ts';
import type { EventStore } from '../storage/index.ts';
import type { AutoCheckpoint } from './auto-checkpoint.ts';
import type { Bus } from './bus.ts';
import type { Commands } from './commands.ts';
import type { Credentials } from './credentials.ts';
import type { Notify } from './notify.ts';
import type { Readings } from './readings.ts';
import type { Roster } from './roster.ts';
import type { StatePaths } from './state-dir.ts';

/** What runs, shared by the parts of the supervisor. What is not readonly is replaced as time goes on. */
export interface House {
  readonly clock: Clock;
  readonly version: string;
  readonly startedAt: EpochMs;
  readonly credentials: Credentials;
  readonly store: EventStore;
  readonly bus: Bus;
  readonly incidents: IncidentBook;
  readonly desk: IncidentDesk;
  readonly ledger: RestartLedger;
  readonly driver: Driver;
  readonly monitor: HealthMonitor;
  readonly pings: Pings;
  readonly state: StateStore;
  readonly doubts: Doubts;
  readonly reports: CrashReports;
  readonly oom: OomWatch;
  readonly kernelLog: KernelLog;
  readonly breakers: Breakers;
  readonly degradation: Degradation;
  readonly roster: Roster;
  readonly commands: Commands;
  readonly autoCheckpoint: AutoCheckpoint;
  readonly readings: Readings;
  readonly paths: StatePaths;
  /** Where components are heard in the words of sd_notify. */
  notify: Pick<Notify, 'address'>;
  /** What this daemon was started with. */
  readonly booted: LoadedConfig;
  loaded: LoadedConfig;
  recoveryMode: boolean;
  /** Where children reach us; empty until the listener is up. */
  url: string;
  phase: 'booting' | 'supervising' | 'stopping';
  /** In recovery mode: the first, minimal components are not all up yet. */
  minimalFirst: boolean;
}

/**
 * Before the children are known, and once they are being let go, nothing may be asked of them.
 * @throws NOT_READY, SHUTTING_DOWN
 */
export function requireReady(house: Pick<House, 'phase'>): void {
  if (house.phase === 'booting') throw failure('NOT_READY', undefined);
  if (house.phase === 'stopping') throw failure('SHUTTING_DOWN', undefined);
}

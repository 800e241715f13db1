/** How a process ended, as the operating system tells it. Both null: it was adopted, nobody could be told. */
export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
}

/**
 * Who a process is. A pid alone is reused; with the start time and the boot it is not.
 * `startTime` is in the system's own unit (clock ticks since boot on Linux).
 */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTime: number;
  readonly bootId: string;
}

/** Read from the process tree of one component; null: the system does not tell. */
export interface ProcessUsage {
  /** CPU used since the last reading, 1 = one core busy; null at the first reading. */
  readonly cpuRatio: number | null;
  readonly residentBytes: number | null;
  readonly openFds: number | null;
  readonly processes: number;
}

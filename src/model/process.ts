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

/** Ways of running a component other than as a child process; what runs them is an engine of its own. */
export const engineKinds = ['commands', 'systemd', 'container', 'deployment', 'parent'] as const;
export type EngineKind = (typeof engineKinds)[number];
export type DriverKind = 'process' | 'logical' | Exclude<EngineKind, 'parent'>;

/** Who it is that an engine runs, in the engine's own words. */
export interface EngineIdentity {
  readonly engine: EngineKind;
  /** What the engine knows it by: a unit, a container, a deployment. */
  readonly name: string;
  /** Tells this run from another one of the same name; null: the engine does not tell runs apart. */
  readonly run: string | null;
  /** The boot of this machine that its run cannot outlive; null: it runs elsewhere. */
  readonly bootId: string | null;
  /** What it is reached by, of its settings: a daemon with another configuration finds it by that. */
  readonly place?: Readonly<Record<string, string | boolean>>;
}

/** Beyond exit code and signal, what an engine tells of an end. */
export interface EngineVerdict {
  /** It was killed for its memory; null: the engine does not tell. */
  readonly oomKilled: boolean | null;
  /** The engine's own word for a failure, such as `watchdog`; null: it has none. */
  readonly failure: string | null;
}

/** Read from the process tree of one component; null: the system does not tell. */
export interface ProcessUsage {
  /** CPU used since the last reading, 1 = one core busy; null at the first reading. */
  readonly cpuRatio: number | null;
  readonly residentBytes: number | null;
  readonly openFds: number | null;
  readonly processes: number;
}

import type {
  ComponentName,
  DegradationLevel,
  DegradationStanding,
  EpochMs,
  LevelPin,
  RecoveryEvent,
  Trigger,
} from '../model/index.ts';
import type { Reading } from './decide.ts';
import type { Feature, Provider } from './features.ts';
import type { DegradationPolicy } from './schema.ts';

/** How the level is at this moment, and why. */
export interface DegradationStatus extends DegradationStanding {
  readonly since: EpochMs;
  readonly trigger: Trigger;
  readonly reason: string;
  /** When the pin that asks for it ends; null: none does, or it ends with a word only. */
  readonly until: EpochMs | null;
  /** The level that the readings have led to; null: it does not follow the machine. */
  readonly policyLevel: DegradationLevel | null;
  /** What was read last; null: nothing yet. */
  readonly reading: Reading | null;
  readonly pins: readonly LevelPin[];
  readonly configured: readonly Feature[];
}

/** What a person, an alert or a program may do. Each returns what was done, as a sentence. */
export interface DegradationControl {
  /**
   * Holds the level: a person's word counts exactly, any other never makes it better than it is.
   * @param forMs null: until it is given back; what an alert asks for ends in any case.
   * @throws ACTION_REFUSED when a person holds it and somebody else asks.
   */
  pin(level: DegradationLevel, trigger: Trigger, forMs: number | null): string;
  /** Gives it back to the machine. @throws ACTION_REFUSED as `pin` does. */
  unpin(trigger: Trigger): string;
}

/** What the configuration says of it. */
export interface DegradationConfig {
  readonly degradation?: DegradationPolicy | undefined;
  readonly components: Readonly<Record<string, Provider & { readonly enabled: boolean }>>;
}

/** What is on, what is not, and who decides that. Everything it decides is stated before anyone is told. */
export interface Degradation extends DegradationControl {
  /** The same object as long as nothing of it changes. */
  standing(): DegradationStanding;
  status(): DegradationStatus;
  /** Features that would go with a component that was given up now. */
  atStake(component: ComponentName): readonly string[];
  /**
   * Reads what is stated in one piece, before it is stored, and adds what it means for features: they go before a
   * component is given up, and come back after it is ready.
   */
  follow(events: readonly RecoveryEvent[]): readonly RecoveryEvent[];
  /** Hears what is stored: a network that is lost, and in recovery mode how the components are. */
  hear(event: RecoveryEvent): void;
  /** How calls of components ended. */
  outcomes(outcomes: readonly { readonly ok: boolean }[]): void;
  /** Puts a configuration in force. */
  configure(config: DegradationConfig): void;
  /**
   * All is started that should be: from now on the machine is read, recovery mode may end, and commands are run that an
   * earlier daemon has not brought to an end.
   */
  begin(): void;
  /** Tells how long it has been at its level. */
  account(): void;
  /** Ends all timers, and commands that run. Resolves when these have ended. */
  close(): Promise<void>;
}

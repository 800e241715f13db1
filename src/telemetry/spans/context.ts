import type {
  ComponentName,
  EpochMs,
  EventOf,
  EventType,
  IncidentId,
  Priority,
  RecoveryEvent,
  RecoveryId,
} from '../../model/index.ts';
import type { Objectives } from '../snapshot.ts';

/** A recovery under way whose component has a process that is being verified. */
export interface Verifying {
  readonly recovery: RecoveryId;
  readonly incident: IncidentId | undefined;
}

/** What an event alone does not tell: what was stored before it, and what the configuration says. */
export interface DrawingContext {
  /** Everything stored that carries the incident, oldest first. */
  timeline(incident: IncidentId): readonly RecoveryEvent[];
  /** Stored events of some types that happened at or after a time, oldest first. */
  since(types: readonly EventType[], at: EpochMs): readonly RecoveryEvent[];
  /** The newest stored event of a type, of one component. */
  lastOf<T extends EventType>(type: T, component: ComponentName): EventOf<T> | undefined;
  /** null: its process, if it has one, is being verified in no recovery. */
  verifying(component: ComponentName): Verifying | null;
  /** null: it is not configured (any more). */
  facts(component: ComponentName): ComponentFacts | null;
}

export interface ComponentFacts {
  readonly kind: string;
  readonly priority: Priority;
  readonly objectives: Objectives;
  /** Restarts that its budget allows. */
  readonly budget: number;
}

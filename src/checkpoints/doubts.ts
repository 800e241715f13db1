import {
  faultOf,
  type CheckpointId,
  type ComponentName,
  type EpochMs,
  type EventOf,
  type RecoveryEvent,
} from '../model/index.ts';

/** A life that was given a checkpoint and ended by a fault of its own. */
export interface Suspicion {
  readonly checkpoint: CheckpointId;
  /** Of the crash. */
  readonly signature: string;
  /** From restore to crash. */
  readonly afterMs: number;
}

/** What makes a suspicion a doubt: `poisoned_after` crashes with one signature, each at most `soonMs` after a restore. */
export interface DoubtPolicy {
  readonly poisoned_after: number;
  readonly soonMs: number;
}

/** The checkpoints that are poisoned: what begins with one of them soon crashes, always in the same way. Pure. */
export function poisoned(
  suspicions: readonly Suspicion[],
  { poisoned_after: enough, soonMs }: DoubtPolicy,
): ReadonlySet<CheckpointId> {
  if (enough === 0) return new Set();
  const counts = new Map<string, number>();
  const found = new Set<CheckpointId>();
  for (const { checkpoint, signature, afterMs } of suspicions) {
    if (afterMs >= soonMs) continue;
    const key = `${checkpoint} ${signature}`;
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    if (count >= enough) found.add(checkpoint);
  }
  return found;
}

/** Which checkpoints are in doubt, of all components. */
export interface Doubts {
  /** Reads one event, live or from the store: crashes after a restore add up, a person's release forgives them, or their recovery to that checkpoint. */
  read(event: RecoveryEvent): void;
  of(component: ComponentName, policy: DoubtPolicy): ReadonlySet<CheckpointId>;
}

/** Only a person can know that something else was the cause. */
const isForgiven = (event: RecoveryEvent): event is EventOf<'component.released'> | EventOf<'component.removed'> =>
  event.type === 'component.removed' || (event.type === 'component.released' && event.by === 'person');

/** A person who names a checkpoint, or lets one be chosen, gives it another try. */
const isWished = (event: RecoveryEvent): event is EventOf<'system.recovered'> =>
  event.type === 'system.recovered' && event.by === 'person';

/** Suspicions kept for one component; of checkpoints that far back hardly one is still kept. */
const MOST = 1_000;

export function createDoubts(): Doubts {
  /** What the present life of each component was given. */
  const given = new Map<ComponentName, { readonly checkpoint: CheckpointId; readonly at: EpochMs }>();
  const suspicions = new Map<ComponentName, Suspicion[]>();

  const suspect = (event: EventOf<'component.crashed'>): void => {
    const before = given.get(event.component);
    const signature = faultOf(event);
    if (!before || signature === null) return;
    const suspicion = { checkpoint: before.checkpoint, signature, afterMs: Math.max(0, event.at - before.at) };
    suspicions.set(event.component, [...(suspicions.get(event.component) ?? []), suspicion].slice(-MOST));
  };

  const clear = ({ component, checkpoint, how }: EventOf<'system.recovered'>['points'][number]): void => {
    const known = suspicions.get(component);
    if (known && how !== 'none')
      suspicions.set(
        component,
        known.filter((suspicion) => suspicion.checkpoint !== checkpoint),
      );
  };

  return {
    read(event) {
      if (event.type === 'component.starting') given.delete(event.component);
      else if (event.type === 'checkpoint.restored') {
        if (event.checkpoint === null) given.delete(event.component);
        else given.set(event.component, { checkpoint: event.checkpoint, at: event.at });
      } else if (event.type === 'component.crashed') suspect(event);
      else if (isForgiven(event)) suspicions.delete(event.component);
      else if (isWished(event)) for (const point of event.points) clear(point);
    },
    of: (component, policy) => poisoned(suspicions.get(component) ?? [], policy),
  };
}

import type { Evidence, ToldCrash } from '../crashes/index.ts';
import type { Running } from '../drivers/index.ts';
import type { EpochMs, IncarnationId, StartReason } from '../model/index.ts';

/** Why we ended a process ourselves; null: it ended by itself. */
export type KilledFor = Evidence['killedFor'];

/** One start of a component with all that follows until its process has ended. */
export interface Life {
  readonly incarnation: IncarnationId;
  readonly reason: StartReason;
  /** Monotonic. */
  readonly startedAt: number;
  /** Aborted when this life is over: nothing that was begun for it goes on. */
  readonly over: AbortController;
  /** Aborted when its end is wanted: an engine that still brings it up need not go on. */
  readonly unwanted: AbortController;
  /** Settles when the driver has answered, well or not. */
  launched: Promise<void>;
  running: Running | null;
  /** Set once somebody asked for its end: the exit is then no crash. */
  ending: Promise<void> | null;
  /** The same end, where nobody knows whether it lives: rejects when its engine cannot be asked. */
  endingUnknown: Promise<void> | null;
  /** Rejects with why when it was killed and is still there; its end is awaited all the same. */
  readonly unkillable: PromiseWithResolvers<never>;
  ready: boolean;
  /** What it has told of its coming end. */
  told: (ToldCrash & { readonly at: EpochMs }) | null;
}

/** @param startedAt monotonic. */
export function beginLife(incarnation: IncarnationId, reason: StartReason, startedAt: number): Life {
  const unkillable = Promise.withResolvers<never>();
  // Most of the time nobody waits for it.
  unkillable.promise.catch(() => undefined);
  return {
    incarnation,
    reason,
    startedAt,
    over: new AbortController(),
    unwanted: new AbortController(),
    launched: Promise.resolve(),
    running: null,
    ending: null,
    endingUnknown: null,
    unkillable,
    ready: false,
    told: null,
  };
}

/** Made once: Node would make one for each death, before the next start. */
export const OVER = new DOMException('this life is over', 'AbortError');

/** Waits for an end no longer than it can be hoped for. */
export const orUnkillable = <T>(life: Life | null, ending: Promise<T>): Promise<T> =>
  life ? Promise.race([ending, life.unkillable.promise]) : ending;

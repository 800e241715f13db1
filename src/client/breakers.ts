import type { BreakerState } from '../model/index.ts';

/** How a call to something that the component leans on has ended. */
export interface CallOutcome {
  /** The breaker's name in the configuration. */
  readonly dependency: string;
  readonly ok: boolean;
  /** From the moment the call was made. */
  readonly durationMs: number;
  /** What went wrong, for people; exactly `timeout` is counted as one. */
  readonly error?: string;
  /** What `permit` has given for this call. */
  readonly permitId?: string;
}

/** The answer to `permit`. */
export type Permit =
  /** Make the call, and report its outcome with this `permitId`, whatever becomes of it. */
  | { readonly permitted: true; readonly permitId: string; readonly state: BreakerState; readonly waitMs: 0 }
  /** Do not make it; it is worth asking again after `waitMs`. */
  | { readonly permitted: false; readonly permitId: null; readonly state: BreakerState; readonly waitMs: number };

/** Outcomes as the daemon reads them. */
export const outcomesBody = (outcomes: readonly CallOutcome[]): string =>
  JSON.stringify(
    outcomes.map(({ dependency, ok, durationMs, error, permitId }) => ({
      dependency,
      ok,
      duration_ms: durationMs,
      error,
      permit_id: permitId,
    })),
  );

/** The daemon's answer to `POST breakers/NAME/permit`. */
export function readPermit(answer: unknown): Permit {
  const { permit_id, state, wait_ms } = answer as { permit_id?: string; state: BreakerState; wait_ms: number };
  if (permit_id === undefined) return { permitted: false, permitId: null, state, waitMs: wait_ms };
  return { permitted: true, permitId: permit_id, state, waitMs: 0 };
}

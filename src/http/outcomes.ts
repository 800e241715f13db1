import { z } from 'zod';
import type { Outcome, Permission } from '../breakers/index.ts';

const MOST_OUTCOMES = 1_000;

/** `POST outcomes`: how the calls of a component have ended, oldest first. */
export const outcomesBody = z
  .array(
    z
      .strictObject({
        dependency: z.string().min(1).max(64),
        ok: z.boolean(),
        duration_ms: z.number().min(0),
        error: z.string().max(1_000).optional(),
        permit_id: z.string().max(64).optional(),
      })
      .transform(({ dependency, ok, duration_ms, error, permit_id }): Outcome => {
        return { dependency, ok, durationMs: duration_ms, error, permit: permit_id };
      }),
  )
  .max(MOST_OUTCOMES, { error: () => `at most ${MOST_OUTCOMES}` });

/** The answer to `POST breakers/NAME/permit`. */
export const permitView = (permission: Permission) =>
  permission.permitted
    ? { permitted: true, permit_id: permission.permit, state: permission.state, wait_ms: 0 }
    : { permitted: false, state: permission.state, wait_ms: Math.ceil(permission.waitMs) };

/** A file that does not grow is looked at this seldom. */
const IDLE_MS = 250;
/** The system tells when it begins to: what is left to be found are its age and writes through a mapping. */
const WATCHED_MS = 5_000;
/** What grows slowly may begin to grow fast. */
const BUSY_MS = 25;
const SOONEST_MS = 2;
/** From this pause on the system is asked to tell: before, it would be asked again and again. */
const QUIET_MS = 100;

/** How a file grows, and when it must be looked at next so that it does not outgrow its limit by much. Pure. */
export interface Growth {
  readonly sizeBytes: number;
  readonly bytesPerMs: number;
  readonly waitMs: number;
}

export const unseen = (sizeBytes: number): Growth => ({ sizeBytes, bytesPerMs: 0, waitMs: BUSY_MS });

/** Something was written after a pause: how fast, the next look tells. */
export const stirred = (growth: Growth): Growth => ({ ...growth, waitMs: 2 * SOONEST_MS });

/** Was empty a moment ago; what filled it once will do so again. */
export const emptied = (growth: Growth): Growth => ({ ...growth, sizeBytes: 0 });

/** So quiet that the system may be asked to tell of the next write. */
export const isQuiet = ({ waitMs }: Growth): boolean => waitMs >= QUIET_MS;

/** Asked to tell, and looked at since: what was written in between is known. */
export const watched = (growth: Growth): Growth => ({ ...growth, waitMs: WATCHED_MS });

/**
 * @param sinceMs since the look before.
 * @param limitBytes where something must be done about it.
 */
export function grow(before: Growth, sizeBytes: number, sinceMs: number, limitBytes: number): Growth {
  const grownBytes = Math.max(0, sizeBytes - before.sizeBytes);
  // A pause of some milliseconds ends no flood.
  const bytesPerMs = Math.max(grownBytes / Math.max(1, sinceMs), before.bytesPerMs / 2);
  const calmMs = grownBytes > 0 ? BUSY_MS : Math.min(IDLE_MS, 2 * before.waitMs);
  const fullMs = bytesPerMs > 0 ? Math.max(0, limitBytes - sizeBytes) / bytesPerMs : Infinity;
  return { sizeBytes, bytesPerMs, waitMs: Math.max(SOONEST_MS, Math.min(calmMs, fullMs / 2)) };
}

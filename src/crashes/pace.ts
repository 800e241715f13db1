import type { Clock } from '../clock.ts';

/** Lets at most `burst` through at once and `perMinute` in the long run, for each key by itself. */
export function createPace(deps: { readonly clock: Clock; readonly burst: number; readonly perMinute: number }) {
  const { clock, burst, perMinute } = deps;
  const buckets = new Map<string, { left: number; at: number }>();
  return (key: string): boolean => {
    const now = clock.monotonic();
    const { left, at } = buckets.get(key) ?? { left: burst, at: now };
    const refilled = Math.min(burst, left + ((now - at) / 60_000) * perMinute);
    buckets.set(key, { left: refilled >= 1 ? refilled - 1 : refilled, at: now });
    return refilled >= 1;
  };
}

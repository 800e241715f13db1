import type { EpochMs } from '../model/index.ts';
import type { RestartPolicy } from './policy.ts';

/** How long the same fault is remembered. */
export const DAY_MS = 86_400_000;

/** When a component died of faults of its own, by signature, oldest first; older ones than a day may be missing. */
export type Faults = ReadonlyMap<string, readonly EpochMs[]>;

/**
 * How often a fault came, when all that falls into one window counts once: bursts are the budget's affair, this is
 * about those that keep coming back.
 */
export function spells(times: readonly EpochMs[], windowMs: number): number {
  let count = 0;
  let begun = -Infinity;
  for (const at of times)
    if (at - begun >= windowMs) {
      count += 1;
      begun = at;
    }
  return count;
}

/**
 * The fault that came most often within the day before `now`; null: there was none. Pure.
 * @param present the signature of one that comes now and is not among `faults` yet; null: none does.
 */
export function worstFault(
  faults: Faults,
  present: string | null,
  { restart_window }: Pick<RestartPolicy, 'restart_window'>,
  now: EpochMs,
): { readonly signature: string; readonly count: number } | null {
  const signatures = new Set([...faults.keys(), ...(present === null ? [] : [present])]);
  const counted = [...signatures].map((signature) => {
    const recent = (faults.get(signature) ?? []).filter((at) => now - at < DAY_MS);
    return { signature, count: spells(signature === present ? [...recent, now] : recent, restart_window) };
  });
  const [worst] = counted.toSorted((a, b) => b.count - a.count);
  return worst && worst.count > 0 ? worst : null;
}

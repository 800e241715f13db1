import { Cron } from 'croner';
import { epochMs, type EpochMs } from '../model/index.ts';
import type { MaintenanceWindow } from './policy.ts';

/** Asked every second while a component waits: each expression is read once. They hold no timers. */
const known = new WeakMap<MaintenanceWindow, Cron>();

function cronOf(window: MaintenanceWindow): Cron {
  const cron = known.get(window) ?? new Cron(window.cron);
  known.set(window, cron);
  return cron;
}

/** Whether one of the windows is open at `now`, and when the next one opens; null when there are none. */
export function maintenanceAt(
  windows: readonly MaintenanceWindow[],
  now: EpochMs,
): { readonly open: boolean; readonly nextAt: EpochMs | null } | null {
  if (windows.length === 0) return null;
  const begins = windows.map((window) => {
    const cron = cronOf(window);
    // The last beginning that could still be open lies within one duration before now.
    const begun = cron.nextRun(new Date(now - window.duration));
    return { open: begun !== null && begun.getTime() <= now, nextAt: cron.nextRun(new Date(now))?.getTime() };
  });
  const next = begins.flatMap(({ nextAt }) => (nextAt === undefined ? [] : [nextAt]));
  return { open: begins.some(({ open }) => open), nextAt: next.length === 0 ? null : epochMs(Math.min(...next)) };
}

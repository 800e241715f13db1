import type { Hung } from './hung/examine.ts';

/** Loaded when something hangs for the first time: most daemons never need it. See `hung/examine.ts`. */
export async function examineHung(pids: readonly number[], withinMs: number): Promise<Hung> {
  const { examine } = await import('./hung/examine.ts');
  return examine(pids, withinMs);
}

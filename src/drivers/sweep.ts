import type { IncarnationId } from '../model/index.ts';
import { findByEnvironment } from './environ.ts';
import { processesGone, signal } from './group.ts';
import { readStat, type ProcStat } from './proc.ts';

/** What is killed may have been starting others meanwhile. */
const MOST_PASSES = 5;

/** Ends what a life has left behind outside its process group. Never rejects. */
export type Sweep = (incarnation: IncarnationId) => Promise<void>;

async function pass(incarnations: ReadonlySet<IncarnationId>): Promise<ProcStat[]> {
  const found = await findByEnvironment([...incarnations].map((id) => `PARAMEDIC_INCARNATION=${id}`));
  return found.flatMap(({ stat, env }) => {
    if (!incarnations.has(env.get('PARAMEDIC_INCARNATION') as IncarnationId)) return [];
    // Between finding and killing others were looked at: make sure that the pid is still the same process.
    return readStat(stat.pid)?.startTime === stat.startTime && signal(stat.pid, 'SIGKILL') ? [stat] : [];
  });
}

/**
 * Makes a sweep that looks through /proc once for all lives that ended meanwhile: processes with the incarnation in
 * their environment are killed, wherever they have put themselves. Newer lives have other ids and are safe.
 */
export function createSweep(): Sweep {
  let waiting: { ids: Set<IncarnationId>; done: Promise<void> } | null = null;
  let current: Promise<void> = Promise.resolve();
  return (incarnation) => {
    if (waiting) {
      waiting.ids.add(incarnation);
      return waiting.done;
    }
    const ids = new Set([incarnation]);
    const done = current.then(async () => {
      waiting = null;
      for (let i = 0; i < MOST_PASSES; i++) {
        const killed = await pass(ids);
        if (killed.length === 0) return;
        await processesGone(killed);
      }
    });
    current = done.catch(() => undefined);
    waiting = { ids, done: current };
    return current;
  };
}

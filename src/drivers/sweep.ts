import type { IncarnationId } from '../model/index.ts';
import { findByEnvironment } from './environ.ts';
import { signal } from './group.ts';
import { readStat } from './proc.ts';

/** What is killed may have been starting others meanwhile. */
const MOST_PASSES = 5;

/** Ends what a life has left behind outside its process group. Never rejects. */
export type Sweep = (incarnation: IncarnationId) => Promise<void>;

async function pass(incarnations: ReadonlySet<IncarnationId>): Promise<number> {
  const found = await findByEnvironment([...incarnations].map((id) => `PARAMEDIC_INCARNATION=${id}`));
  let killed = 0;
  for (const { stat, env } of found) {
    if (!incarnations.has(env.get('PARAMEDIC_INCARNATION') as IncarnationId)) continue;
    // Between finding and killing others were looked at: make sure that the pid is still the same process.
    if (readStat(stat.pid)?.startTime === stat.startTime && signal(stat.pid, 'SIGKILL')) killed++;
  }
  return killed;
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
      for (let i = 0; i < MOST_PASSES && (await pass(ids)) > 0; i++);
    });
    current = done.catch(() => undefined);
    waiting = { ids, done: current };
    return current;
  };
}

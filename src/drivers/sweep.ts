import { setTimeout } from 'node:timers/promises';
import type { IncarnationId } from '../model/index.ts';
import { findByEnvironment } from './environ.ts';
import { processesGone, signal } from './group.ts';
import { readStat, type ProcStat } from './proc.ts';
import { treeOf } from './tree.ts';

/** What is killed may have started others meanwhile: so many looks in a row must find nothing. */
const QUIET_LOOKS = 3;
/** A program about to begin shows no environment for a moment. */
const BETWEEN_LOOKS_MS = 4;
const LONGEST_MS = 2_000;

/** Ends what a life has left behind outside its process group. Never rejects. */
export type Sweep = (incarnation: IncarnationId) => Promise<void>;

/**
 * Kills each with all that descends from it the moment it is found: one that starts its successor and ends at once
 * would be another by the end of the look.
 */
async function look(incarnations: ReadonlySet<IncarnationId>, strangers: Set<number>): Promise<ProcStat[]> {
  const killed: ProcStat[] = [];
  const marks = [...incarnations].map((id) => `PARAMEDIC_INCARNATION=${id}`);
  await findByEnvironment(marks, strangers, ({ stat, env }) => {
    if (!incarnations.has(env.get('PARAMEDIC_INCARNATION') as IncarnationId)) return;
    // Between reading and hearing others were looked at: make sure that the pid is still the same process.
    if (readStat(stat.pid)?.startTime !== stat.startTime) return;
    for (const pid of treeOf(stat.pid)) {
      const member = readStat(pid);
      if (member && signal(pid, 'SIGKILL')) killed.push(member);
    }
  });
  return killed;
}

async function lookUntilQuiet(incarnations: ReadonlySet<IncarnationId>): Promise<void> {
  const strangers = new Set<number>();
  const deadline = performance.now() + LONGEST_MS;
  for (let quiet = 0; performance.now() < deadline;) {
    const killed = await look(incarnations, strangers);
    quiet = killed.length === 0 ? quiet + 1 : 0;
    if (quiet === QUIET_LOOKS) return;
    await processesGone(killed);
    // The kernel's time, which no test can hand out: hence Node's own timer.
    if (quiet > 0) await setTimeout(BETWEEN_LOOKS_MS);
  }
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
    const done = current.then(() => {
      waiting = null;
      return lookUntilQuiet(ids);
    });
    current = done.catch(() => undefined);
    waiting = { ids, done: current };
    return current;
  };
}

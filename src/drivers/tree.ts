import type { ProcessUsage } from '../model/index.ts';
import { childrenOf, openFds, pageBytes, readStat, ticksPerSecond, type ProcStat } from './proc.ts';

/** A tree larger than this is not walked to its end: a fork bomb must not hold up the daemon. */
const MOST_PROCESSES = 2_000;

/** The process and all that descends from it, parents first. What was reparented has left the tree. */
export function treeOf(pid: number): number[] {
  const tree = [pid];
  for (let i = 0; i < tree.length && tree.length < MOST_PROCESSES; i++) tree.push(...childrenOf(tree[i] ?? 0));
  return tree;
}

/** The same of one that was just read, each with what the system tells of it; the root is always there. */
function membersOf(root: ProcStat): ProcStat[] {
  const tree = [root];
  for (let i = 0; i < tree.length && tree.length < MOST_PROCESSES; i++) {
    const { pid, threads } = tree[i] ?? root;
    tree.push(...childrenOf(pid, threads).flatMap((child) => readStat(child) ?? []));
  }
  return tree;
}

/** A reading of a process tree, and what the next one is compared with. */
export interface UsageReading {
  readonly usage: ProcessUsage;
  readonly cpuTicks: number;
  readonly at: number;
}

/** CPU time is counted in steps of ten milliseconds: over less than this a ratio would tell of the steps only. */
const SHORTEST_SPAN_MS = 100;

/**
 * Reads CPU, memory and descriptors of a tree. A reading that follows the one before too soon repeats its ratio.
 * @param now monotonic milliseconds.
 */
export function readUsage(root: ProcStat, now: number, before: UsageReading | null): UsageReading {
  const members = membersOf(root);
  const usage = {
    residentBytes: members.reduce((total, { residentPages }) => total + residentPages, 0) * pageBytes,
    openFds: sum(members.map(({ pid }) => openFds(pid))),
    processes: members.length,
  };
  if (before && now - before.at < SHORTEST_SPAN_MS)
    return { ...before, usage: { ...usage, cpuRatio: before.usage.cpuRatio } };
  const cpuTicks = members.reduce((total, member) => total + member.cpuTicks, 0);
  // A member that left takes its ticks along: then the tree has used less than before, which is not below nothing.
  const usedSeconds = before ? Math.max(0, cpuTicks - before.cpuTicks) / ticksPerSecond : 0;
  const cpuRatio = before ? usedSeconds / ((now - before.at) / 1_000) : null;
  return { at: now, cpuTicks, usage: { ...usage, cpuRatio } };
}

/** Of what is known; null when nothing is. */
function sum(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((total, value) => total + value, 0);
}

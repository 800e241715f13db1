import { readdirSync } from 'node:fs';
import { setPriority } from 'node:os';
import { treeOf } from './tree.ts';

function threadsOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return [pid];
  }
}

/**
 * Gives a process that was just made its share of the CPU, with all that it may have begun in the meantime: on Linux
 * each thread has its own.
 * @param nice -20 (most) to 19 (least); below 0 only as root.
 * @throws what the system says when it refuses.
 */
export function renice(pid: number, nice: number): void {
  setPriority(pid, nice);
  for (const member of treeOf(pid))
    for (const thread of threadsOf(member))
      try {
        setPriority(thread, nice);
      } catch {
        // It has ended since.
      }
}

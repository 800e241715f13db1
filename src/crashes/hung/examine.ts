import { readCommand, readKernelStack, readThreads, type Thread } from './kernel.ts';
import { isNode, nodeStack, type NodeStack } from './node-stack.ts';
import { readResources, type Networks } from './resources.ts';

/** One process of a component that hangs, just before it is ended. */
export interface HungProcess {
  readonly pid: number;
  readonly command: readonly string[];
  readonly threads: readonly Thread[];
  /** Functions of the kernel that its main thread is in, innermost first; empty unless we are root. */
  readonly kernelStack: readonly string[];
}

/** What was seen of a component that hangs. */
export interface Hung {
  /** Its tree of processes, parents first. */
  readonly processes: readonly HungProcess[];
  /** Of the last process of the tree that is Node, with its pid; null: none is. */
  readonly node: ({ readonly pid: number } & NodeStack) | null;
  /** Open files and connections of the whole tree. */
  readonly resources: readonly string[];
}

const MOST_PROCESSES = 8;
const MOST_RESOURCES = 200;

const stackOf = async (pid: number, signal: AbortSignal): Promise<NodeStack> =>
  readThreads(pid)[0]?.state === 'stopped' ? { why: 'it was stopped' } : nodeStack(pid, signal);

/**
 * Looks at processes that still live and do not answer. The kernel is asked first, in milliseconds; then Node's
 * inspector, no longer than `withinMs`. Never rejects.
 * @param pids parents first.
 */
export async function examine(pids: readonly number[], withinMs: number): Promise<Hung> {
  const seen = pids.slice(0, MOST_PROCESSES);
  const processes = seen.map((pid) => ({
    pid,
    command: readCommand(pid),
    threads: readThreads(pid),
    kernelStack: readKernelStack(pid),
  }));
  const networks: Networks = new Map();
  const resources = [...new Set(seen.flatMap((one) => readResources(one, networks)))].slice(0, MOST_RESOURCES);
  // Of `npm start` and the like the last one is the program itself.
  const pid = seen.findLast(isNode);
  const node = pid === undefined ? null : { pid, ...(await stackOf(pid, AbortSignal.timeout(withinMs))) };
  return { processes, node, resources };
}

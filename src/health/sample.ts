import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import type { EventFields } from '../model/index.ts';
import { cpuRatioBetween, readMachine, tried, type CpuTimes } from './proc.ts';

export type HostSample = EventFields['host.sampled'];

/**
 * Reads the machine: CPU since the call before (null at the first), memory, processes, handles, and the disks that
 * `/` and the given folders are on. Never rejects; what cannot be read is null or left out.
 */
export function createHostSampler(folders: readonly string[]): () => Promise<HostSample> {
  let before: CpuTimes | null = null;
  return async () => {
    const { cpu, memoryRatio, processes, handles } = readMachine();
    const cpuRatio = cpuRatioBetween(before, cpu);
    before = cpu ?? before;
    const mountInfo = tried(() => readFileSync('/proc/self/mountinfo', 'utf8')) ?? '';
    const mounts = new Set(['/', ...folders].map((folder) => mountOf(folder, mountInfo)));
    const disks = await Promise.all([...mounts].map(readDisk));
    return { cpuRatio, memoryRatio, processes, handles, disks: disks.flat() };
  };
}

/** The mount point that an absolute path is on, from the text of /proc/self/mountinfo. */
export function mountOf(path: string, mountInfo: string): string {
  let found = '/';
  for (const line of mountInfo.split('\n')) {
    const mount = line
      .split(' ')[4]
      ?.replaceAll(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
    if (mount !== undefined && mount.length > found.length && `${path}/`.startsWith(`${mount}/`)) found = mount;
  }
  return found;
}

/** Used of what an ordinary user could use, as `df` counts. */
async function readDisk(mount: string): Promise<HostSample['disks']> {
  try {
    const { blocks, bfree, bavail } = await statfs(mount);
    const used = blocks - bfree;
    return used + bavail > 0 ? [{ mount, ratio: used / (used + bavail) }] : [];
  } catch {
    return [];
  }
}

import { statfs } from 'node:fs/promises';
import { resolve } from 'node:path';
import { z } from 'zod';
import { sentenceOf } from '../../errors.ts';
import { formatSize, ratio, size } from '../../units.ts';
import { critical, defineCheck, degraded, healthy, unhealthy, unknown, type CheckResult } from '../check.ts';
import { askedOnce, unlessAborted } from '../file-probe.ts';

const options = z.strictObject({
  path: z.string().min(1).default('/').describe('Any path on the file system that is asked.'),
  warning: ratio().default(0.85).describe('Space or inodes in use above which it is degraded.'),
  critical: ratio().default(0.95).describe('Space or inodes in use above which it is critical.'),
  min_free: size()
    .optional()
    .describe('Space free for ordinary users below which it is critical, whatever the share in use.'),
});
type Limits = Omit<z.output<typeof options>, 'path'>;

export const disk = defineCheck({
  kind: 'disk',
  summary: 'Healthy while a file system has space and inodes left.',
  options,
  async run({ path, ...limits }, { cwd, signal }) {
    const asked = resolve(cwd, path);
    try {
      const answer = askedOnce(`statfs ${asked}`, () => statfs(asked));
      return judgeDisk(asked, await unlessAborted(signal, answer), limits);
    } catch (error) {
      signal.throwIfAborted();
      return unhealthy(`${asked} cannot be asked for its space: ${sentenceOf(error)}`);
    }
  },
});

/** What a file system says of itself (`statfs`), in blocks of `bsize` bytes and inodes. */
export interface FileSystem {
  readonly bsize: number;
  readonly blocks: number;
  readonly bfree: number;
  readonly bavail: number;
  readonly files: number;
  readonly ffree: number;
}

/** Used of what an ordinary user could use, as `df` counts. */
export function judgeDisk(
  path: string,
  { bsize, blocks, bfree, bavail, files, ffree }: FileSystem,
  limits: Limits,
): CheckResult {
  const usable = blocks - bfree + bavail;
  if (usable <= 0) return unknown(`${path} is on a file system without blocks`);
  const space = (blocks - bfree) / usable;
  const inodes = files > 0 ? (files - ffree) / files : 0;
  const freeBytes = bavail * bsize;
  const percent = (value: number) => `${(value * 100).toFixed(1)}%`;
  const worst = Math.max(space, inodes);
  const what = space >= inodes ? `${percent(space)} of the space` : `${percent(inodes)} of the inodes`;
  const sentence = `${path}: ${what} in use, ${formatSize(freeBytes)} free`;
  if (worst > limits.critical || freeBytes < (limits.min_free ?? 0)) return critical(sentence);
  return worst > Math.min(limits.warning, limits.critical) ? degraded(sentence) : healthy(sentence);
}

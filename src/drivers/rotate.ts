import { fstat, read } from 'node:fs';
import { open, rename, unlink, type FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { systemCode } from '../errors.ts';
import type { LogPolicy } from './schema.ts';

const CHUNK_BYTES = 256 * 1024;
const [statOf, readAt] = [promisify(fstat), promisify(read)];

async function gone(path: string): Promise<boolean> {
  try {
    await unlink(path);
    return false;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return true;
    throw error;
  }
}

/** Copies what is in the file and what is written to it meanwhile, but of a file that outgrew `most` only the end. */
async function copyTail(fd: number, target: FileHandle, most: number): Promise<void> {
  const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, most));
  let position = Math.max(0, (await statOf(fd)).size - most);
  for (let copied = 0; copied < most;) {
    const { bytesRead } = await readAt(fd, buffer, 0, Math.min(buffer.length, most - copied), position);
    if (bytesRead === 0) return;
    await target.write(buffer, 0, bytesRead);
    position += bytesRead;
    copied += bytesRead;
  }
}

async function shift(path: string, keep: number): Promise<void> {
  // The oldest goes first: a rename over a file makes some file systems write the new one out at once.
  await gone(`${path}.${keep}`);
  for (let n = keep + 1; !(await gone(`${path}.${n}`)); n++);
  for (let n = keep - 1; n >= 1; n--)
    await rename(`${path}.${n}`, `${path}.${n + 1}`).catch((error: unknown) => {
      if (systemCode(error) !== 'ENOENT') throw error;
    });
  await rename(`${path}.rotating`, `${path}.1`);
}

/** A file that is open, and how to cut it off. */
export interface Rotated {
  readonly fd: number;
  readonly path: string;
  cut(): Promise<void>;
}

/**
 * Rotates a file that others hold open for appending: copies it aside and truncates it, so that their descriptors
 * stay valid. What is written between the last read and the truncation is lost, under a flood more. Truncates even
 * when the copy fails (a full disk), then rejects with the failure.
 * The copies are `path.1` (newest) to `path.KEEP`.
 */
export async function rotate(file: Rotated, { max_size, keep }: LogPolicy): Promise<void> {
  const { fd, path } = file;
  const aside = `${path}.rotating`;
  let problem: unknown;
  if (keep > 0)
    try {
      const target = await open(aside, 'w', 0o600);
      try {
        await copyTail(fd, target, Math.max(1, max_size));
      } finally {
        await target.close();
      }
    } catch (error) {
      problem = error;
    }
  await file.cut();
  if (problem === undefined && keep > 0) return shift(path, keep);
  await gone(aside);
  if (problem !== undefined) throw problem as Error;
  for (let n = 1; !(await gone(`${path}.${n}`)); n++);
}

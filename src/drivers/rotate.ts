import { createReadStream, createWriteStream, fstat, read } from 'node:fs';
import { open, rename, unlink, type FileHandle } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { constants, createGzip } from 'node:zlib';
import { systemCode } from '../errors.ts';
import type { LogPolicy } from './schema.ts';

/** Large, for each one is a way to a thread and back, and a flooded file grows meanwhile. */
const CHUNK_BYTES = 2 * 2 ** 20;
const GZIP_CHUNK_BYTES = 256 * 2 ** 10;
const [statOf, readAt] = [promisify(fstat), promisify(read)];

/** Removes a file. @returns false when there was none. */
async function remove(path: string): Promise<boolean> {
  try {
    await unlink(path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}

/** @returns false when there is none. */
async function move(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}

const packed = (copy: string): string => `${copy}.gz`;

/** Removes one copy in whichever form. @returns false when there was none. */
async function removeCopy(copy: string): Promise<boolean> {
  const [plain, zipped] = [await remove(copy), await remove(packed(copy))];
  return plain || zipped;
}

/** A file up to this size is cut off without a way to a thread and back: it takes a millisecond. */
const AT_ONCE_BYTES = 16 * 2 ** 20;
/** How much larger than `max_size` a file that grew before it was looked at is still copied whole. */
const OVERSHOOT = 1.5;

/** A file that is open, and how to cut it off. */
export interface Rotated {
  readonly fd: number;
  readonly path: string;
  cut(): Promise<void>;
  /** Cuts it off at once when it has this size and not a byte more. @returns false when it has not. */
  cutIfStill(sizeBytes: number): boolean;
}

/**
 * Copies what is in the file and what is written to it meanwhile, but of one that outgrew all bounds only the end,
 * and cuts it off.
 */
async function moveInto(target: FileHandle, file: Rotated, maxBytes: number): Promise<void> {
  const { size } = await statOf(file.fd);
  const most = Math.ceil(OVERSHOOT * maxBytes);
  const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, most));
  let position = size > most ? size - maxBytes : 0;
  for (let copied = 0; copied < most;) {
    const { bytesRead } = await readAt(file.fd, buffer, 0, Math.min(buffer.length, most - copied), position);
    if (bytesRead === 0) {
      if (position <= AT_ONCE_BYTES && file.cutIfStill(position)) return;
      if (position > AT_ONCE_BYTES || (await statOf(file.fd)).size < position) break;
    }
    await target.writeFile(buffer.subarray(0, bytesRead));
    position += bytesRead;
    copied += bytesRead;
  }
  await file.cut();
}

/** Makes room for a new first copy: each moves up by one, compressed or not, and the oldest go. */
async function shift(path: string, keep: number): Promise<void> {
  // The oldest goes first: a rename over a file makes some file systems write the new one out at once.
  await removeCopy(`${path}.${keep}`);
  for (let n = keep + 1; await removeCopy(`${path}.${n}`); n++);
  for (let n = keep - 1; n >= 1; n--) {
    const [from, to] = [`${path}.${n}`, `${path}.${n + 1}`];
    // Both are there when a daemon died between the two: then the compressed one is whole.
    if (await move(packed(from), packed(to))) await remove(from);
    else await move(from, to);
  }
}

/**
 * Rotates a file that others hold open for appending: copies it aside and truncates it, so that their descriptors
 * stay valid. Nothing is lost but what is written in the microseconds between the last look and the truncation;
 * under a flood, and of files too large to be cut off at once, what is written after the last read. Truncates even
 * when the copy fails (a full disk), then rejects with the failure.
 * The copies, each at most one and a half times `max_size`, are `path.1` (newest) to `path.KEEP`, with `.gz` behind it those that
 * were compressed.
 */
export async function rotate(file: Rotated, { max_size, keep }: LogPolicy): Promise<void> {
  const { path } = file;
  const aside = `${path}.rotating`;
  if (keep === 0) {
    await file.cut();
    await remove(aside);
    for (let n = 1; await removeCopy(`${path}.${n}`); n++);
    return;
  }
  try {
    const target = await open(aside, 'w', 0o600);
    try {
      await moveInto(target, file, Math.max(1, max_size));
    } finally {
      await target.close();
    }
  } catch (error) {
    await file.cut();
    await remove(aside);
    throw error;
  }
  await shift(path, keep);
  await rename(aside, `${path}.1`);
}

/**
 * Compresses the newest copy, on other threads than this one. Whenever the daemon dies there is the plain copy, the
 * whole compressed one, or both. When it fails the plain one stays, and no half of the other.
 */
export async function compress(path: string): Promise<void> {
  const [copy, aside] = [`${path}.1`, `${path}.gzipping`];
  try {
    await pipeline(
      createReadStream(copy, { highWaterMark: GZIP_CHUNK_BYTES }),
      createGzip({ level: constants.Z_BEST_SPEED, chunkSize: GZIP_CHUNK_BYTES }),
      createWriteStream(aside, { mode: 0o600 }),
    );
    await rename(aside, packed(copy));
    await remove(copy);
  } catch (error) {
    await remove(aside).catch(() => undefined);
    throw error;
  }
}

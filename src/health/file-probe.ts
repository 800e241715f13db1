import { open, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { formatSize } from '../format.ts';
import { unhealthy, unknown, type CheckContext, type CheckResult } from './check.ts';

/** Clocks of file servers differ a little. */
const AHEAD_MS = 60_000;

export interface FileState {
  readonly path: string;
  readonly sizeBytes: number;
  /** How long ago it was last written; never below zero. */
  readonly ageMs: number;
  readonly writtenAt: number;
  /** The beginning of its content; empty unless asked for. */
  readonly text: string;
}

export const isFileState = (found: FileState | CheckResult): found is FileState => 'sizeBytes' in found;

/**
 * Looks at a regular file, a link followed. Never rejects but by an aborted signal: what is missing, unreadable or no
 * file is an unhealthy result, a time of writing in the future tells nothing.
 * @param keepBytes of its beginning are read; 0: none.
 */
export async function lookAtFile(
  given: string,
  keepBytes: number,
  { cwd, clock, signal }: Pick<CheckContext, 'cwd' | 'clock' | 'signal'>,
): Promise<FileState | CheckResult> {
  const path = resolve(cwd, given);
  try {
    const found = await unlessAborted(
      signal,
      askedOnce(`stat ${path}`, () => stat(path)),
    );
    if (!found.isFile()) return unhealthy(`${path} is ${found.isDirectory() ? 'a folder' : 'no regular file'}`);
    const age = clock.now() - found.mtimeMs;
    if (age < -AHEAD_MS) return unknown(`${path} was written in the future, says its file system`);
    const read = () => askedOnce(`read ${keepBytes} ${path}`, () => beginningOf(path, keepBytes));
    const text = keepBytes > 0 ? await unlessAborted(signal, read()) : '';
    return { path, sizeBytes: found.size, ageMs: Math.max(0, age), writtenAt: found.mtimeMs, text };
  } catch (error) {
    signal.throwIfAborted();
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return unhealthy(`${path} does not exist`);
    if (code === 'EACCES' || code === 'EPERM') return unhealthy(`${path} may not be read by this user`);
    return unhealthy(`${path} cannot be read: ${message}`);
  }
}

/** Of a file that is read as JSON: its beginning alone would look damaged. null: all of it was read. */
export const unlessWhole = ({ path, sizeBytes }: FileState, keepBytes: number): CheckResult | null =>
  sizeBytes > keepBytes
    ? unknown(`${path} has ${formatSize(sizeBytes)}: only ${formatSize(keepBytes)} are read`)
    : null;

async function beginningOf(path: string, keepBytes: number): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(keepBytes), 0, keepBytes, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

const underWay = new Map<string, Promise<unknown>>();

/**
 * A question that cannot be called off, to a file system or a resolver, holds one of the four threads that all files and
 * names of the daemon share. One that hangs is not asked again, but waited for: else its file server would take them all.
 */
export function askedOnce<T>(question: string, ask: () => Promise<T>): Promise<T> {
  const asked = underWay.get(question) as Promise<T> | undefined;
  if (asked) return asked;
  const answer = ask();
  underWay.set(question, answer);
  const over = () => void underWay.delete(question);
  answer.then(over, over);
  return answer;
}

/** What cannot be called off goes on by itself; nobody waits for it. */
export function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

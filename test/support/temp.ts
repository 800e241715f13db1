import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** When something ends: with one test (`onTestFinished`), or with all of a file (`afterAll`). */
export type Lifetime = (undo: () => void | Promise<void>) => void;

/** A folder for one test (or file), gone afterwards. */
export function tempFolder(lifetime: Lifetime = onTestFinished): string {
  const folder = mkdtempSync(join(tmpdir(), 'paramedic-test-'));
  lifetime(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Waits for something real (a process, a file) to come true; fails with `what` after `timeoutMs`. */
export async function until<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  timeoutMs = 30_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/*
 * For all tests together: what Node compiles of the sources is kept for the length of a run. A story starts dozens of
 * daemons and command lines, and compiling was half of the life of the short ones.
 */

let folder: string | undefined;

export function setup(): void {
  folder = mkdtempSync(join(tmpdir(), 'paramedic-test-compiled-'));
  process.env['NODE_COMPILE_CACHE'] = folder;
}

export function teardown(): void {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
}

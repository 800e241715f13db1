import { createRequire } from 'node:module';
import type koffi from 'koffi';

/**
 * Gives back to the system what malloc has been told is free and keeps for later. Nothing happens where there is no
 * glibc or koffi is not installed.
 */
export function trimMalloc(): void {
  if (process.platform !== 'linux') return;
  try {
    const ffi = createRequire(import.meta.url)('koffi') as typeof koffi;
    ffi.load('libc.so.6').func('int malloc_trim(size_t pad)')(0);
  } catch {
    // A few megabytes more.
  }
}

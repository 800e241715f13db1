import { existsSync, statSync } from 'node:fs';

/** False as well where it cannot be told. */
export function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/**
 * Why nothing can be started in a folder: the system blames the program for it, with the same word. Without a full stop; null:
 * the folder is there.
 */
export function whyNoFolder(path: string): string | null {
  if (!existsSync(path)) return `its working folder ${path} does not exist`;
  return isFolder(path) ? null : `its working folder ${path} is not a folder`;
}

/*
 * Whether a checkpoint is stored whole or as a patch on the one before. Pure.
 */

/** How far a chain of patches has come. */
export interface ChainLength {
  /** Patches since the full checkpoint. */
  readonly patches: number;
  readonly patchBytes: number;
  readonly fullBytes: number;
  /** ms since 1970. */
  readonly fullAt: number;
}

export const MOST_PATCHES = 50;
export const FULL_EVERY_MS = 300_000;

/** A chain costs time to read, and everything in it when its full checkpoint is damaged: it goes on only so long. */
export function goesOn(
  { patches, patchBytes, fullBytes, fullAt }: ChainLength,
  nextBytes: number,
  at: number,
): boolean {
  const age = at - fullAt;
  return (
    patches < MOST_PATCHES &&
    patchBytes + nextBytes < fullBytes &&
    nextBytes <= fullBytes / 2 &&
    age >= 0 &&
    age < FULL_EVERY_MS
  );
}

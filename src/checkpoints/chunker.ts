/*
 * Content-defined chunks (a gear hash): a state of which little has changed has nearly the same chunks as before,
 * wherever in it that was.
 */

const SHORTEST = 16 * 2 ** 10;
const LONGEST = 256 * 2 ** 10;
/** One cut in 2^16 bytes, beyond the shortest. The upper bits, which the last 32 bytes have made. */
const MASK = 0xffff0000;

/** One number for each byte; any will do that look random, but they must stay the same. */
const GEAR = Int32Array.from({ length: 256 }, (_, byte) => {
  let x = (byte + 1) * 0x9e3779b1;
  for (let round = 0; round < 3; round++) x = Math.imul(x ^ (x >>> 15), 0x85ebca6b);
  return x ^ (x >>> 13);
});

export type Gear = Int32Array;

/** Other cuts, which nobody can foretell without these bytes: four for each value of a byte. */
export const gearOf = (random: Buffer): Gear =>
  Int32Array.from({ length: 256 }, (_, byte) => random.readInt32LE(byte * 4));

/** Pieces of 16 to 256 KiB, 80 KiB on average, which share the memory of `bytes`. */
export function split(bytes: Uint8Array, gear: Gear = GEAR): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let start = 0; start < bytes.byteLength;) {
    const end = cutAfter(bytes, start, gear);
    chunks.push(bytes.subarray(start, end));
    start = end;
  }
  return chunks;
}

function cutAfter(bytes: Uint8Array, start: number, gear: Gear): number {
  const last = Math.min(start + LONGEST, bytes.byteLength);
  let hash = 0;
  // The hash forgets a byte after 32 others, so it need not see more of what comes before the first cut.
  for (let at = Math.min(start + SHORTEST - 32, last); at < last; at++) {
    hash = ((hash << 1) + (gear[bytes[at] ?? 0] ?? 0)) | 0;
    if ((hash & MASK) === 0 && at - start >= SHORTEST) return at + 1;
  }
  return last;
}

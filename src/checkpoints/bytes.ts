import type { Body, JsonBytes } from './state-store.ts';

/** Bytes that can be moved to another thread: a Buffer out of Node's pool shares its memory with others. */
export function owned(bytes: Uint8Array): JsonBytes {
  const alone = bytes.byteLength === bytes.buffer.byteLength && bytes.buffer instanceof ArrayBuffer;
  return alone ? (bytes as JsonBytes) : new Uint8Array(bytes);
}

export const ownedPieces = (body: Body): JsonBytes[] => (body instanceof Uint8Array ? [owned(body)] : body.map(owned));

/**
 * Puts pieces together; one alone is not copied. Their memory is given back at once: a collector that sees only small
 * objects waits until there are many of them.
 */
export function joined(pieces: readonly JsonBytes[]): Uint8Array {
  const [first] = pieces;
  if (first && pieces.length === 1) return first;
  const whole = Buffer.concat(pieces);
  for (const { buffer } of pieces) buffer.transfer(0);
  return whole;
}

/** The same bytes, not copied. */
export const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export const jsonBytes = (value: unknown): JsonBytes => owned(Buffer.from(JSON.stringify(value)));

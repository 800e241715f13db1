import type { JsonBytes } from './state-store.ts';

/** Bytes that can be moved to another thread: a Buffer out of Node's pool shares its memory with others. */
export function owned(bytes: Uint8Array): JsonBytes {
  const alone = bytes.byteLength === bytes.buffer.byteLength && bytes.buffer instanceof ArrayBuffer;
  return alone ? (bytes as JsonBytes) : new Uint8Array(bytes);
}

/** The same bytes, not copied. */
export const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export const jsonBytes = (value: unknown): JsonBytes => owned(Buffer.from(JSON.stringify(value)));

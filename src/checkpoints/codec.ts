import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { bufferOf } from './bytes.ts';

/** How JSON lies in the bytes of a chunk. */
export type Encoding = 'json' | 'zstd';
/** …and in those of a record: `chunks` are the hashes of its chunks. */
export type RecordEncoding = Encoding | 'chunks';

const STORED = /^(?:([0-9a-f]{16}):)?(json|zstd|chunks)$/;

/** How bytes lie in the database: their encoding, behind the id of the key when they are encrypted. */
export const writeEncoding = (encoding: RecordEncoding, keyId: string | null): string =>
  keyId === null ? encoding : `${keyId}:${encoding}`;

/** What flipped bits have made of it counts as plain JSON: its record then does not match its chain hash. */
export function readEncoding(stored: unknown): { encoding: RecordEncoding; key_id: string | null } {
  const [, keyId, encoding] = STORED.exec(String(stored)) ?? [];
  return { encoding: (encoding ?? 'json') as RecordEncoding, key_id: keyId ?? null };
}

/** What a frame may have besides what it holds, of bytes that cannot be compressed. */
const FRAME_BYTES = 1_024;
/** Below, a frame costs more than it saves. */
const WORTH_COMPRESSING_BYTES = 2 * 2 ** 10;
/** Nothing that we have written is longer; damaged bytes must not make us allocate gigabytes. */
const LONGEST_JSON_BYTES = 64 * 2 ** 20;

/** The fastest level: a state of 100 KB takes 0.3 ms. */
const FAST = { [constants.ZSTD_c_compressionLevel]: 1 };

export function encode(json: Uint8Array): { readonly encoding: Encoding; readonly bytes: Uint8Array } {
  if (json.byteLength < WORTH_COMPRESSING_BYTES) return { encoding: 'json', bytes: json };
  // With room for all of it, a frame is made at once and not put together.
  const options = { params: FAST, pledgedSrcSize: json.byteLength, chunkSize: json.byteLength + FRAME_BYTES };
  const bytes = zstdCompressSync(json, options);
  return bytes.byteLength < json.byteLength ? { encoding: 'zstd', bytes } : { encoding: 'json', bytes: json };
}

/** @throws what zlib says of damaged bytes. */
export function decode(encoding: Encoding, bytes: Uint8Array): Buffer {
  if (encoding === 'zstd') return zstdDecompressSync(bytes, { maxOutputLength: LONGEST_JSON_BYTES });
  return bufferOf(bytes);
}

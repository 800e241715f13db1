import { createHmac, hash, randomBytes, timingSafeEqual, type KeyObject } from 'node:crypto';

/** SHA-256 as 64 hex digits. */
export const sha256 = (bytes: string | NodeJS.ArrayBufferView): string => hash('sha256', bytes);

/** HMAC-SHA-256 as 64 hex digits. */
export const hmac = (key: KeyObject, text: string): string => createHmac('sha256', key).update(text).digest('hex');

/** Equal or not, in a time that tells nothing of where they differ. */
export function sameSecret(given: string, expected: string): boolean {
  const [a, b] = [hash('sha256', given, 'buffer'), hash('sha256', expected, 'buffer')];
  return timingSafeEqual(a, b);
}

/** Drawn ahead: a call to the system for each id would stand in the way of every restart. */
const POOL_BYTES = 4_096;
let pool = Buffer.alloc(0);

/** `bytes` random bytes in hex, none of them used before; at most 4,096. */
export function randomHex(bytes: number): string {
  if (pool.length < bytes) pool = randomBytes(POOL_BYTES);
  const drawn = pool.toString('hex', 0, bytes);
  pool = pool.subarray(bytes);
  return drawn;
}

/** Begun anywhere, so that those of two processes are not alike. */
let count = randomBytes(4).readUInt32BE();
let second = NaN;
let date = '';

/**
 * `PREFIX-20261123-224610-1A2B3C4D` in UTC: the specification's form for crashes, checkpoints and recoveries. Its last
 * part counts on: no two of one second are the same, and an index takes them at its end, where it writes one page for
 * many of them.
 */
export function datedId(prefix: string, at: number): string {
  if (second !== Math.floor(at / 1_000)) {
    second = Math.floor(at / 1_000);
    const digits = new Date(at).toISOString().replace(/[-:]/g, '');
    date = `${digits.slice(0, 8)}-${digits.slice(9, 15)}`;
  }
  count = (count + 1) >>> 0;
  return `${prefix}-${date}-${count.toString(16).toUpperCase().padStart(8, '0')}`;
}

/**
 * RFC 8785: one text for each JSON value, whatever the order of its keys. For plain JSON values only.
 * Slow for large ones (25 ms for each MB): hash stored bytes where they will do.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  // The default order of sort is that of UTF-16 code units, which is what the RFC asks for.
  const members = Object.keys(value).sort();
  return `{${members.map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key as never])}`).join()}}`;
}

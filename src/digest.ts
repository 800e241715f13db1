import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** SHA-256 as 64 hex digits. */
export const sha256 = (bytes: string | NodeJS.ArrayBufferView): string =>
  createHash('sha256').update(bytes).digest('hex');

/** HMAC-SHA-256 as 64 hex digits. */
export const hmac = (key: NodeJS.ArrayBufferView, text: string): string =>
  createHmac('sha256', key).update(text).digest('hex');

/** Equal or not, in a time that tells nothing of where they differ. */
export function sameSecret(given: string, expected: string): boolean {
  const [a, b] = [createHash('sha256').update(given).digest(), createHash('sha256').update(expected).digest()];
  return timingSafeEqual(a, b);
}

/** `bytes` random bytes in hex. */
export const randomHex = (bytes: number): string => randomBytes(bytes).toString('hex');

/** `PREFIX-20261123-224610-1A2B3C4D` in UTC: the specification's form for crashes, checkpoints and recoveries. */
export function datedId(prefix: string, at: number): string {
  const [date = '', time = ''] = new Date(at).toISOString().split('T');
  return `${prefix}-${date.replaceAll('-', '')}-${time.slice(0, 8).replaceAll(':', '')}-${randomHex(4).toUpperCase()}`;
}

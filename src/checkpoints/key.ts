const KEY_BYTES = 32;
const HEX = /^[0-9a-f]{64}$/i;
const BASE64 = /^[A-Za-z0-9+/]{43}=?$/;

/** A key of 32 bytes, from 64 hex digits or base64; undefined: it is neither. */
export function parseKey(text: string): Buffer | undefined {
  const written = text.trim();
  const key = HEX.test(written)
    ? Buffer.from(written, 'hex')
    : BASE64.test(written)
      ? Buffer.from(written, 'base64')
      : undefined;
  return key?.length === KEY_BYTES ? key : undefined;
}

import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import { sha256 } from '../digest.ts';
import { bufferOf } from './bytes.ts';
import { locked } from './refusal.ts';

/*
 * AES-256-GCM. A sealed record is: version (1 byte), id of the key (8), salt (16), nonce (12), ciphertext, tag (16).
 */

const ALGORITHM = 'aes-256-gcm';
const VERSION = 1;
const [ID_BYTES, SALT_BYTES, NONCE_BYTES, TAG_BYTES] = [8, 16, 12, 16];
const ID_AT = 1;
const SALT_AT = ID_AT + ID_BYTES;
const NONCE_AT = SALT_AT + SALT_BYTES;
const BYTES_AT = NONCE_AT + NONCE_BYTES;

/** Random nonces must not be drawn 2^32 times for one key: long before, another one is derived. */
const MOST_UNDER_ONE_SALT = 2 ** 24;
const MOST_DERIVED_KEYS = 64;

/** What makes bytes unreadable for whoever has not the key, and finds out when they are not what was written. */
export interface Cipher {
  /** Id of the key that writes; null: what is written is plain text. */
  readonly keyId: string | null;
  /** Of all keys that can be read with. */
  readonly keyIds: readonly string[];
  /** Only when there is a `keyId`. @param binding what the bytes belong to: they are of no use anywhere else. */
  encrypt(bytes: Uint8Array, binding: string): Buffer;
  /** @throws Refusal STATE_LOCKED without the key they were encrypted with; an Error when they are not what was written. */
  decrypt(bytes: Uint8Array, binding: string): Buffer;
  /** A hash that tells those without the key nothing; without a key the SHA-256. 64 hex digits. */
  hash(purpose: string, bytes: string | Uint8Array): string;
  /** What `hash` was with the keys before, and without one. */
  formerHashes(purpose: string, bytes: string | Uint8Array): string[];
  /** Bytes that follow from the key that writes; null without one. */
  derive(purpose: string, length: number): Buffer | null;
}

const derive = (key: Uint8Array, salt: Uint8Array | string, purpose: string, length = 32): Buffer =>
  Buffer.from(hkdfSync('sha256', key, salt, `paramedic state ${purpose}`, length));

/** Names a key without telling anything of it: 16 hex digits. */
export const keyIdOf = (key: Uint8Array): string => derive(key, '', 'key id', ID_BYTES).toString('hex');

/**
 * @param keys 32 bytes each: the one that writes, and those before it that are still read with. None: plain text.
 */
export function createCipher(keys: readonly Uint8Array[]): Cipher {
  const known = keys.map((key) => ({ id: keyIdOf(key), key, hashKey: createSecretKey(derive(key, '', 'hashes')) }));
  const byId = new Map(known.map((each) => [each.id, each.key]));
  const [current, ...former] = known;
  /** Keys of records, by the id of their key and their salt. Given as bytes, one takes five times as long to use. */
  const derived = new Map<string, KeyObject>();
  let salt = Buffer.alloc(0);
  let left = 0;

  function recordKey(id: string, key: Uint8Array, recordSalt: Buffer): KeyObject {
    const name = `${id}${recordSalt.toString('hex')}`;
    const found = derived.get(name) ?? createSecretKey(derive(key, recordSalt, 'record'));
    derived.set(name, found);
    for (const oldest of derived.keys()) if (derived.size > MOST_DERIVED_KEYS) derived.delete(oldest);
    return found;
  }

  function encrypt(bytes: Uint8Array, binding: string): Buffer {
    if (!current) throw new Error('there is no key to encrypt with');
    if (left-- === 0) {
      salt = randomBytes(SALT_BYTES);
      left = MOST_UNDER_ONE_SALT - 1;
    }
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(ALGORITHM, recordKey(current.id, current.key, salt), nonce);
    cipher.setAAD(Buffer.from(binding));
    const head = [Buffer.of(VERSION), Buffer.from(current.id, 'hex'), salt, nonce];
    return Buffer.concat([...head, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
  }

  function decrypt(bytes: Uint8Array, binding: string): Buffer {
    const sealed = bufferOf(bytes);
    const [version = 0] = sealed;
    if (sealed.length < BYTES_AT + TAG_BYTES || version !== VERSION)
      throw new Error('its bytes are not encrypted as it says');
    const id = sealed.toString('hex', ID_AT, SALT_AT);
    const key = byId.get(id);
    if (!key) throw locked('state.db', [id], [...byId.keys()]);
    const nonce = sealed.subarray(NONCE_AT, BYTES_AT);
    const decipher = createDecipheriv(ALGORITHM, recordKey(id, key, sealed.subarray(SALT_AT, NONCE_AT)), nonce, {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(Buffer.from(binding));
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
    try {
      return Buffer.concat([decipher.update(sealed.subarray(BYTES_AT, sealed.length - TAG_BYTES)), decipher.final()]);
    } catch (error) {
      throw new Error('its bytes do not match what they were encrypted with', { cause: error });
    }
  }

  const hashWith = (key: KeyObject, purpose: string, bytes: string | Uint8Array): string =>
    createHmac('sha256', key).update(`${purpose}\n`).update(bytes).digest('hex');

  return {
    keyId: current?.id ?? null,
    keyIds: [...byId.keys()],
    encrypt,
    decrypt,
    hash: (purpose, bytes) => (current ? hashWith(current.hashKey, purpose, bytes) : sha256(bytes)),
    formerHashes: (purpose, bytes) => [
      ...former.map(({ hashKey }) => hashWith(hashKey, purpose, bytes)),
      ...(current ? [sha256(bytes)] : []),
    ],
    derive: (purpose, length) => (current ? derive(current.key, '', purpose, length) : null),
  };
}

export const plainText: Cipher = createCipher([]);

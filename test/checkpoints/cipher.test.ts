import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createCipher, keyIdOf, plainText } from '../../src/checkpoints/cipher.ts';
import { parseKey } from '../../src/checkpoints/key.ts';

const [key, other] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
const cipher = createCipher([key]);
const secret = Buffer.from('what nobody else may read');

describe('what is encrypted', () => {
  it('comes back with the same key and binding only', () => {
    const sealed = cipher.encrypt(secret, 'checkpoint 1');
    expect(Buffer.from(sealed).includes(secret.subarray(0, 8))).toBe(false);
    expect(createCipher([key]).decrypt(sealed, 'checkpoint 1')).toEqual(secret);
    expect(createCipher([other, key]).decrypt(sealed, 'checkpoint 1')).toEqual(secret);
    expect(() => cipher.decrypt(sealed, 'checkpoint 2')).toThrow('do not match what they were encrypted with');
    for (const without of [createCipher([other]), plainText])
      expect(() => without.decrypt(sealed, 'checkpoint 1')).toThrow('STATE_LOCKED');
  });

  it('is found out when a single bit of it flips, wherever', () => {
    const sealed = cipher.encrypt(secret, 'here');
    for (let at = 0; at < sealed.length * 8; at++) {
      const flipped = Buffer.from(sealed);
      flipped.writeUInt8(flipped.readUInt8(at >> 3) ^ (1 << (at & 7)), at >> 3);
      expect(() => cipher.decrypt(flipped, 'here'), `bit ${at}`).toThrow();
    }
    for (let length = 0; length < sealed.length; length++)
      expect(() => cipher.decrypt(sealed.subarray(0, length), 'here'), `${length} bytes`).toThrow();
  });

  it('is never twice the same', () => {
    const all = Array.from({ length: 1_000 }, () => Buffer.from(cipher.encrypt(secret, 'here')).toString('hex'));
    expect(new Set(all).size).toBe(1_000);
    // Version, key and salt are the same; the nonce after them is not.
    expect(new Set(all.map((hex) => hex.slice(0, 50))).size).toBe(1);
    expect(new Set(all.map((hex) => hex.slice(50, 74))).size).toBe(1_000);
    expect(createCipher([key]).encrypt(secret, 'here')).not.toEqual(createCipher([key]).encrypt(secret, 'here'));
  });

  it('is not, by accident, plain text: without a key nothing is', () => {
    expect(() => plainText.encrypt(secret, 'here')).toThrow('there is no key');
  });
});

describe('a hash', () => {
  it('depends on the key and on what it is for', () => {
    const hashes = [cipher.hash('a', secret), cipher.hash('b', secret), createCipher([other]).hash('a', secret)];
    expect(new Set([...hashes, plainText.hash('a', secret)]).size).toBe(4);
    expect(createCipher([key]).hash('a', secret)).toBe(hashes[0]);
  });

  it('is found again with the key that came after, and when there was none before', () => {
    expect(createCipher([other, key]).formerHashes('a', secret)).toEqual([
      cipher.hash('a', secret),
      plainText.hash('a', secret),
    ]);
    expect(plainText.formerHashes('a', secret)).toEqual([]);
  });
});

describe('a key', () => {
  const random = randomBytes(32);
  it.each([
    ['64 hex digits', random.toString('hex')],
    ['capitals', random.toString('hex').toUpperCase()],
    ['base64', random.toString('base64')],
    ['base64 without its end', random.toString('base64').slice(0, 43)],
    ['with what an editor leaves', ` ${random.toString('hex')}\r\n`],
  ])('is read from %s', (_, text) => {
    expect(parseKey(text)).toEqual(random);
  });

  it.each([
    ['nothing', ''],
    ['a pass phrase', 'correct horse battery staple'],
    ['31 bytes', random.subarray(1).toString('hex')],
    ['33 bytes', `${random.toString('hex')}00`],
    ['31 bytes in base64', random.subarray(1).toString('base64')],
    ['two lines', `${random.toString('hex')}\n${random.toString('hex')}`],
  ])('is not read from %s', (_, text) => {
    expect(parseKey(text)).toBeUndefined();
  });

  it('has a name that tells nothing of it', () => {
    expect(keyIdOf(key)).toMatch(/^[0-9a-f]{16}$/);
    expect(keyIdOf(key)).not.toBe(keyIdOf(other));
    expect(cipher).toMatchObject({ keyId: keyIdOf(key), keyIds: [keyIdOf(key)] });
    expect(plainText).toMatchObject({ keyId: null, keyIds: [] });
  });
});

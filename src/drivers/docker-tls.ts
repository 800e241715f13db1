import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import { sentenceOf, systemCode } from '../errors.ts';
import type { DockerTls } from './docker-address.ts';

/**
 * Reads what the two sides know each other by. Without cert.pem and key.pem we show no certificate: not every engine
 * asks for one.
 * @throws a sentence that names the file which is missing, or none of its kind.
 */
export function openTls({ folder }: DockerTls): SecureContext {
  if (folder === null) return createSecureContext();
  const [ca, cert, key] = ['ca.pem', 'cert.pem', 'key.pem'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const authority = sound(ca, needed(ca, read(ca)), 'ca');
  const [certificate, secret] = [read(cert), read(key)];
  if (certificate === null && secret === null) return createSecureContext({ ca: authority });
  const ours = { cert: sound(cert, needed(cert, certificate), 'cert'), key: sound(key, needed(key, secret), 'key') };
  try {
    return createSecureContext({ ca: authority, ...ours });
  } catch (error) {
    throw new Error(`${key} is not the key of ${cert}`, { cause: error });
  }
}

function read(file: string): Buffer | null {
  try {
    return readFileSync(file);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw new Error(`the certificate file ${file} cannot be read: ${sentenceOf(error)}`, { cause: error });
  }
}

function needed(file: string, text: Buffer | null): Buffer {
  if (text === null) throw new Error(`the certificate file ${file} does not exist (DOCKER_CERT_PATH names its folder)`);
  return text;
}

/** Node takes a file for an authority that has none in it. */
function sound(file: string, text: Buffer, as: keyof Pick<SecureContextOptions, 'ca' | 'cert' | 'key'>): Buffer {
  try {
    if (!text.includes('-----BEGIN ')) throw new Error('there is no PEM in it');
    createSecureContext({ [as]: text });
    return text;
  } catch (error) {
    throw new Error(`${file} is no ${as === 'key' ? 'key' : 'certificate'}: ${wordsOf(error)}`, { cause: error });
  }
}

/** What went wrong between the two sides, in the words of people; null: it was something else. */
export function whyNotTrusted({ folder }: DockerTls, error: unknown): string | null {
  const code = systemCode(error) ?? '';
  const said = wordsOf(error);
  if (UNKNOWN_AUTHORITY.has(code))
    return `its certificate was not signed by ${folder === null ? 'an authority that this system trusts' : join(folder, 'ca.pem')} (${said})`;
  if (code.includes('CERT_') || code === 'ERR_TLS_CERT_ALTNAME_INVALID') return `its certificate is not good: ${said}`;
  if (/wrong version number|packet length too long/.test(said)) return 'it does not speak TLS there';
  const ours = folder === null ? 'none: set DOCKER_CERT_PATH' : `${join(folder, 'cert.pem')}, where it is there`;
  if (/alert .*(certificate|unknown ca|access denied|handshake failure)/.test(said))
    return `it does not accept our certificate (${ours}): ${said}`;
  // Some hang up before that is told.
  if (HUNG_UP.has(code)) return `it hangs up: it has ended, or does not accept our certificate (${ours})`;
  return said === sentenceOf(error) ? null : said;
}

/** OpenSSL gives a reason amidst much else: `write EPROTO 40AD:error:0A00010B:SSL routines:FUNCTION:REASON:FILE…`. */
const wordsOf = (error: unknown): string =>
  /:error:[0-9A-F]+:[^:]*:[^:]*:([^:\n]+)/.exec(`:${sentenceOf(error)}`)?.[1] ?? sentenceOf(error);

const HUNG_UP: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE']);
const UNKNOWN_AUTHORITY: ReadonlySet<string> = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
]);

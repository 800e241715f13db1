import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempFolder } from './temp.ts';

/** A certificate with its key, as PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

const EC_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** A certificate authority of this test alone, made by openssl. */
export class Authority {
  readonly #folder = tempFolder();
  #made = 0;
  /** What whoever trusts it knows it by. */
  readonly ca: string;

  constructor(name: string) {
    this.#openssl('ca', name, ['-addext', 'basicConstraints=critical,CA:TRUE']);
    this.ca = this.#read('ca').cert;
  }

  /** @param names as in a certificate: `IP:127.0.0.1`, `DNS:docker`. */
  issue(name: string, names = 'DNS:nobody'): Certificate {
    const file = `issued-${++this.#made}`;
    const [ca, key] = [join(this.#folder, 'ca.pem'), join(this.#folder, 'ca.key')];
    this.#openssl(file, name, ['-CA', ca, '-CAkey', key, '-addext', `subjectAltName=${names}`]);
    return this.#read(file);
  }

  #openssl(file: string, name: string, more: readonly string[]): void {
    const out = ['-keyout', join(this.#folder, `${file}.key`), '-out', join(this.#folder, `${file}.pem`)];
    const args = ['req', '-x509', ...EC_KEY, '-days', '2', '-subj', `/CN=${name}`, ...out, ...more];
    execFileSync('openssl', args, { stdio: 'pipe' });
  }

  #read(file: string): Certificate {
    const read = (ending: string) => readFileSync(join(this.#folder, `${file}.${ending}`), 'utf8');
    return { cert: read('pem'), key: read('key') };
  }
}

/** A folder as DOCKER_CERT_PATH names it. */
export function certificatePath(files: { ca?: string; cert?: string; key?: string }): string {
  const folder = tempFolder();
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, `${name}.pem`), text);
  return folder;
}

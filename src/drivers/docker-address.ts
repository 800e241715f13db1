import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { FORWARD_SSH } from './schema.ts';

/** Where Docker is spoken to, and whether over TLS. */
export interface DockerAddress {
  readonly to: { readonly socketPath: string } | { readonly host: string; readonly port: number };
  /** Null: in plain. */
  readonly tls: DockerTls | null;
}

export interface DockerTls {
  /** Where ca.pem, cert.pem and key.pem lie. Null: the authorities that the system trusts, and no certificate of ours. */
  readonly folder: string | null;
}

export const DEFAULT_DOCKER_HOST = 'unix:///var/run/docker.sock';

/**
 * Reads an address as the command `docker` does: with `DOCKER_TLS_VERIFY` it speaks TLS to all but sockets, and knows
 * the engine by the files in `DOCKER_CERT_PATH`, by default those beside its configuration.
 * @throws a sentence when the address is none that can be spoken to.
 */
export function dockerAddress(host: string, env: NodeJS.ProcessEnv): DockerAddress {
  const [, scheme, rest = ''] = /^([a-z]+):\/\/(.+)$/.exec(host) ?? [];
  if (scheme === 'unix') return { to: { socketPath: rest }, tls: null };
  const why = scheme === 'ssh' ? FORWARD_SSH : 'expected unix:///PATH, tcp://HOST:PORT or https://HOST:PORT';
  const url = ['tcp', 'http', 'https'].includes(scheme ?? '') ? URL.parse(`http://${rest}`) : null;
  if (!url) throw new Error(`Docker's address "${host}" cannot be used: ${why}`);
  const verified = isSet(env['DOCKER_TLS_VERIFY']);
  const tls = verified || scheme === 'https' ? { folder: certificatesOf(env, verified) } : null;
  const port = /:(\d+)(?:\/|$)/.exec(rest)?.[1] ?? (tls ? 2376 : 2375);
  return { to: { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(port) }, tls };
}

function certificatesOf(env: NodeJS.ProcessEnv, verified: boolean): string | null {
  if (isSet(env['DOCKER_CERT_PATH'])) return resolve(env['DOCKER_CERT_PATH']);
  if (!verified) return null;
  return isSet(env['DOCKER_CONFIG']) ? resolve(env['DOCKER_CONFIG']) : join(env['HOME'] || homedir(), '.docker');
}

/** An empty variable is as good as none. */
const isSet = (value: string | undefined): value is string => value !== undefined && value !== '';

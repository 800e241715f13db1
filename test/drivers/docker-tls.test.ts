import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createContainerDriver } from '../../src/drivers/container.ts';
import { dockerAddress } from '../../src/drivers/docker-address.ts';
import { Authority, certificatePath } from '../support/certificates.ts';
import { closeServer } from '../support/close-server.ts';
import { FakeDocker } from '../support/fake-docker.ts';
import { planFor } from './support.ts';

const settings = { kind: 'container', name: 'redis', interval: 50, timeout: 10_000, keep_running: false } as const;

/** An engine that asks for a certificate, and whoever may speak to it. */
async function begin({ names = 'IP:127.0.0.1', asks = true, old = false } = {}) {
  const authority = new Authority('ours');
  const { cert, key } = authority.issue('docker', names);
  const docker = new FakeDocker(onTestFinished, {
    cert,
    key,
    ca: authority.ca,
    requestCert: asks,
    rejectUnauthorized: asks,
    ...(old && { maxVersion: 'TLSv1.2' }),
  });
  await docker.back();
  docker.create('redis', 'exec sleep 600');
  const user = authority.issue('paramedic');
  const folder = certificatePath({ ca: authority.ca, ...user });
  return { docker, authority, user, folder };
}

function driverOf(env: Readonly<Record<string, string>>) {
  const driver = createContainerDriver({ clock: systemClock, onProblem: () => {}, env });
  onTestFinished(() => driver.close());
  return driver;
}

const verified = (docker: FakeDocker, folder: string) => ({
  DOCKER_HOST: docker.host,
  DOCKER_TLS_VERIFY: '1',
  DOCKER_CERT_PATH: folder,
});
const start = (env: Readonly<Record<string, string>>, host?: string) =>
  driverOf(env).start(planFor([], { engine: { ...settings, host } }));

describe('Docker over TLS', () => {
  it('is known by the certificates that its own client uses', async () => {
    const { docker, folder } = await begin();
    const running = await start(verified(docker, folder));
    expect(docker.runs('redis')).toBe(true);
    expect(running.engine).toMatchObject({ engine: 'container', name: 'redis', bootId: null });
    await docker.kill('redis');
    expect(await running.exited).toEqual({ code: 137, signal: null });
  });

  it('is spoken to by https:// without DOCKER_TLS_VERIFY', async () => {
    const { docker, folder } = await begin();
    await (await start({ DOCKER_CERT_PATH: folder }, docker.host.replace('tcp', 'https'))).kill();
    expect(docker.runs('redis')).toBe(false);
  });

  it('may ask for no certificate', async () => {
    const { docker, authority } = await begin({ asks: false });
    await (await start(verified(docker, certificatePath({ ca: authority.ca })))).kill();
  });

  it('is known by renewed certificates without a restart', async () => {
    const { docker, authority, folder } = await begin();
    writeFileSync(join(folder, 'ca.pem'), new Authority('others').ca);
    const driver = driverOf(verified(docker, folder));
    const plan = () => planFor([], { engine: settings });
    await expect(driver.start(plan())).rejects.toThrow('was not signed by');
    writeFileSync(join(folder, 'ca.pem'), authority.ca);
    await (await driver.start(plan())).kill();
  });

  it.each<[string, (on: Awaited<ReturnType<typeof begin>>) => Record<string, string>, RegExp]>([
    [
      'another authority has signed it',
      ({ docker, user }) => verified(docker, certificatePath({ ca: new Authority('others').ca, ...user })),
      /Docker at tcp:\/\/127\.0\.0\.1:\d+: its certificate was not signed by \S+\/ca\.pem \(.+\)\.$/,
    ],
    [
      'no authority is named, and the system trusts none of its kind',
      ({ docker }) => ({ DOCKER_HOST: docker.host.replace('tcp', 'https') }),
      /its certificate was not signed by an authority that this system trusts \(.+\)\.$/,
    ],
    [
      'it does not know who asks',
      ({ docker, authority }) =>
        verified(docker, certificatePath({ ca: authority.ca, ...new Authority('others').issue('paramedic') })),
      /does not accept our certificate \(\S+\/cert\.pem, where it is there\)[^\n]*\.$/,
    ],
    [
      'nobody shows it a certificate',
      ({ docker, authority }) => verified(docker, certificatePath({ ca: authority.ca })),
      /does not accept our certificate \(\S+\/cert\.pem, where it is there\)[^\n]*\.$/,
    ],
    [
      'the file of the authority is missing',
      ({ docker, user }) => verified(docker, certificatePath(user)),
      /the certificate file \/\S+\/ca\.pem does not exist \(DOCKER_CERT_PATH names its folder\)\.$/,
    ],
    [
      'the key is missing',
      ({ docker, authority, user: { cert } }) => verified(docker, certificatePath({ ca: authority.ca, cert })),
      /the certificate file \/\S+\/key\.pem does not exist/,
    ],
    [
      'the certificate is missing',
      ({ docker, authority, user: { key } }) => verified(docker, certificatePath({ ca: authority.ca, key })),
      /the certificate file \/\S+\/cert\.pem does not exist/,
    ],
    [
      'the default folder has no files',
      ({ docker }) => ({ DOCKER_HOST: docker.host, DOCKER_TLS_VERIFY: '1', HOME: '/nowhere' }),
      /the certificate file \/nowhere\/\.docker\/ca\.pem does not exist/,
    ],
    [
      'a file is something else',
      ({ docker, user }) => verified(docker, certificatePath({ ca: 'Once upon a time', ...user })),
      /\/ca\.pem is no certificate: there is no PEM in it\.$/,
    ],
    [
      'the key is that of another',
      ({ docker, authority, user: { cert } }) =>
        verified(docker, certificatePath({ ca: authority.ca, cert, key: authority.issue('other').key })),
      /\/key\.pem is not the key of \S+\/cert\.pem\.$/,
    ],
  ])('says in one line that %s', async (_what, env, says) => {
    const refused = start(env(await begin()));
    await expect(refused).rejects.toMatchObject({ code: 'SPAWN_FAILED' });
    await expect(refused).rejects.toThrow(says);
    await expect(refused).rejects.toThrow(/^[^\n]+$/);
  });

  it('of an older version says as well that it does not accept who asks', async () => {
    const { docker, authority } = await begin({ old: true });
    await expect(start(verified(docker, certificatePath({ ca: authority.ca })))).rejects.toThrow(
      /it does not accept our certificate \(\S+, where it is there\): ssl\/tls alert handshake failure\.$/,
    );
  });

  it('says that a certificate is for another name', async () => {
    const { docker, folder } = await begin({ names: 'DNS:elsewhere' });
    await expect(start(verified(docker, folder))).rejects.toThrow(/its certificate is not good: .*127\.0\.0\.1/);
  });

  it('says that one side speaks TLS and the other does not', async () => {
    const { folder } = await begin();
    const inPlain = new FakeDocker();
    await inPlain.back();
    inPlain.create('redis', 'exec sleep 600');
    inPlain.mood = 'tls only';
    await expect(start({ DOCKER_HOST: inPlain.host })).rejects.toThrow(
      /speaks TLS: set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH\.$/,
    );
    const server = createServer((_, response) => response.end('hello'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => closeServer(server));
    const { port } = server.address() as AddressInfo;
    const env = { DOCKER_HOST: `tcp://127.0.0.1:${port}`, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: folder };
    await expect(start(env)).rejects.toThrow(/it does not speak TLS there\.$/);
  });
});

describe("Docker's address", () => {
  const at = (host: string, env: Record<string, string> = {}) => dockerAddress(host, { HOME: '/home/me', ...env });

  it.each([
    ['unix:///run/docker.sock', {}, { to: { socketPath: '/run/docker.sock' }, tls: null }],
    ['unix:///run/docker.sock', { DOCKER_TLS_VERIFY: '1' }, { to: { socketPath: '/run/docker.sock' }, tls: null }],
    ['tcp://far', {}, { to: { host: 'far', port: 2375 }, tls: null }],
    ['tcp://far:80', { DOCKER_TLS_VERIFY: '' }, { to: { host: 'far', port: 80 }, tls: null }],
    ['tcp://far', { DOCKER_CERT_PATH: '/certs' }, { to: { host: 'far', port: 2375 }, tls: null }],
    ['tcp://far', { DOCKER_TLS_VERIFY: '1' }, { to: { host: 'far', port: 2376 }, tls: { folder: '/home/me/.docker' } }],
    [
      'tcp://[::1]:443/',
      { DOCKER_TLS_VERIFY: '0', DOCKER_CONFIG: '/conf' },
      { to: { host: '::1', port: 443 }, tls: { folder: '/conf' } },
    ],
    ['https://far', {}, { to: { host: 'far', port: 2376 }, tls: { folder: null } }],
    ['https://far:1', { DOCKER_CERT_PATH: '/certs' }, { to: { host: 'far', port: 1 }, tls: { folder: '/certs' } }],
  ])('%s with %o', (host, env, address) => {
    expect(at(host, env)).toEqual(address);
  });

  it.each(['npipe:////./pipe/docker', 'tcp://', 'tcp://a b', 'far:2375', ''])('is none: "%s"', (host) => {
    expect(() => at(host)).toThrow(/cannot be used: expected unix:\/\/\/PATH, tcp:\/\/HOST:PORT or https:/);
  });

  it('over SSH says how to forward the socket', () => {
    expect(() => at('ssh://me@far')).toThrow(
      /^Docker's address "ssh:\/\/me@far" cannot be used: .*ssh -nNT -L [^\n]+$/,
    );
  });
});

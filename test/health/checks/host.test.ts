import { createSocket } from 'node:dgram';
import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { disk, judgeDisk } from '../../../src/health/checks/disk.ts';
import { network } from '../../../src/health/checks/network.ts';
import { runCheck } from '../serve.ts';

const says = (status: string, words: string) => ({ status, message: expect.stringContaining(words) });

describe('disk check', () => {
  const limits = { warning: 0.85, critical: 0.95, min_free: undefined };
  const roomy = { bsize: 4_096, blocks: 1_000, bfree: 500, bavail: 500, files: 100, ffree: 50 };
  it.each([
    [roomy, limits, 'healthy', '50.0% of the space in use, 2.0 MiB free'],
    [{ ...roomy, bfree: 150, bavail: 150 }, limits, 'healthy', '85.0%'],
    [{ ...roomy, bfree: 140, bavail: 140 }, limits, 'degraded', '86.0%'],
    [{ ...roomy, bfree: 40, bavail: 40 }, limits, 'critical', '96.0%'],
    // What only root may use is as good as used.
    [{ ...roomy, bfree: 500, bavail: 20 }, limits, 'critical', '96.2%'],
    [{ ...roomy, ffree: 2 }, limits, 'critical', '98.0% of the inodes'],
    [{ ...roomy, files: 0, ffree: 0 }, limits, 'healthy', '50.0%'],
    [roomy, { ...limits, min_free: 2 ** 30 }, 'critical', '2.0 MiB free'],
    [{ ...roomy, blocks: 0, bfree: 0, bavail: 0 }, limits, 'unknown', 'without blocks'],
  ])('%o is %s', (fileSystem, asked, status, words) => {
    expect(judgeDisk('/', fileSystem, asked)).toMatchObject(says(status, words));
  });

  it('asks this machine', async () => {
    expect(await runCheck(disk, { warning: 1, critical: 1 })).toMatchObject(says('healthy', '% of the'));
    expect(await runCheck(disk, { warning: 0, critical: 0 })).toMatchObject({ status: 'critical' });
    expect(await runCheck(disk, { path: '/no/such/folder' })).toMatchObject(says('unhealthy', '/no/such/folder'));
  });

  it.runIf(process.platform === 'linux')('learns nothing from a file system that has no space', async () => {
    expect(await runCheck(disk, { path: '/proc' })).toMatchObject({ status: 'unknown' });
  });
});

describe('network check', () => {
  async function listening(): Promise<string> {
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** A name server that knows one name; it answers with these addresses, an error code, or never. */
  async function nameServer(answer: readonly string[] | number | 'never'): Promise<string> {
    const socket = createSocket('udp4');
    socket.on('message', (question, from) => {
      if (answer === 'never') return;
      const end = question.indexOf(0, 12) + 5;
      const asksFor4 = question.readUInt16BE(end - 4) === 1;
      const records = typeof answer === 'number' || !asksFor4 ? [] : answer;
      const header = Buffer.from(question.subarray(0, 12));
      header.writeUInt16BE(0x8180 | (typeof answer === 'number' ? answer : 0), 2);
      header.writeUInt16BE(records.length, 6);
      header.writeUInt32BE(0, 8);
      const tail = records.map((address) =>
        Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, ...address.split('.').map(Number)]),
      );
      socket.send(Buffer.concat([header, question.subarray(12, end), ...tail]), from.port, from.address);
    });
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    onTestFinished(() => void socket.close());
    return `127.0.0.1:${socket.address().port}`;
  }

  it('is healthy when a host is reached, and tells how long it took', async () => {
    const target = await listening();
    const found = await runCheck(network, { target, warning: '1m', timeout: '1m' });
    expect(found).toMatchObject(says('healthy', `${target} reached in`));
    expect(found.latency).toMatchObject({ target });
    expect(found.latency?.ms).toBeGreaterThan(0);
  });

  it('resolves the name of a host first', async () => {
    const target = (await listening()).replace('127.0.0.1', 'localhost');
    expect(await runCheck(network, { target, warning: '1m', timeout: '1m' })).toMatchObject(
      says('healthy', 'its name in'),
    );
  });

  it('is degraded when it takes long, unhealthy when it takes too long or nobody is there', async () => {
    const target = await listening();
    expect(await runCheck(network, { target, warning: 0 })).toMatchObject({ status: 'degraded' });
    const refused = await runCheck(network, { target: '127.0.0.1:1' });
    expect(refused).toMatchObject(says('unhealthy', 'ECONNREFUSED'));
    expect(refused.latency).toBeUndefined();
  });

  it.each<[readonly string[] | number | 'never', string, string]>([
    [['10.0.0.1'], 'healthy', 'resolved'],
    [3, 'unhealthy', 'ENOTFOUND'],
    [2, 'unhealthy', 'ESERVFAIL'],
    [[], 'unknown', 'to nothing'],
    ['never', 'unhealthy', 'no answer in'],
  ])('asks a name server that answers %j: %s', async (answer, status, words) => {
    const dns = { name: 'agent.test', server: await nameServer(answer) };
    const timeout = answer === 'never' ? '100ms' : '1m';
    expect(await runCheck(network, { dns, warning: '1m', timeout })).toMatchObject(says(status, words));
  });

  it.each(['1.1.1.1', 'host:0', 'host:70000', '::1:443', 'http://x:1'])('refuses the target %s', (target) => {
    expect(network.options.safeParse({ target }).success).toBe(false);
  });

  it('wants something to ask for', () => {
    expect(network.options.safeParse({}).success).toBe(false);
    expect(network.options.safeParse({ target: '[::1]:443' }).success).toBe(true);
  });
});

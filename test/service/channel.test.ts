import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openChannel, programChannel } from '../../src/service/channel.ts';
import { canSendDatagrams, socketAddress } from '../../src/service/datagram.ts';
import { readManagerWords } from '../../src/service/open.ts';
import { needs, systemdNotify } from '../support/command.ts';
import { receiveNotifications } from '../support/notify-receiver.ts';
import { tempFolder, until } from '../support/temp.ts';

const withoutKoffi = () => null;

describe.runIf(process.platform === 'linux')('the way to a service manager', () => {
  it.each(['path', 'abstract'])('is a datagram from this very process, to a socket with a %s', async (kind) => {
    const address = kind === 'path' ? join(tempFolder(), 'notify') : `@paramedic-test-${process.pid}`;
    const receiver = await receiveNotifications(address);
    const channel = openChannel(address, '');
    onTestFinished(() => channel.close());
    await channel.send('READY=1\nSTATUS=wohlauf ✓');
    await until('the datagram', () => receiver.heard.length > 0);
    expect(receiver.heard).toEqual([{ pid: process.pid, text: 'READY=1\nSTATUS=wohlauf ✓' }]);
  });

  it('says why nothing went through, and works again when somebody listens', async () => {
    const address = join(tempFolder(), 'notify');
    const channel = openChannel(address, '');
    onTestFinished(() => channel.close());
    await expect(channel.send('READY=1')).rejects.toThrow(`${address}: ENOENT`);
    const receiver = await receiveNotifications(address);
    await channel.send('READY=1');
    await until('the datagram', () => receiver.count('READY=1') === 1);
    await channel.close();
    await expect(channel.send('READY=1')).rejects.toThrow('closed');
  });

  it('is the program of systemd where koffi is missing, in the order of the words', async () => {
    const folder = tempFolder();
    const program = join(folder, 'systemd-notify');
    // The first one takes longest.
    writeFileSync(
      program,
      `#!/bin/sh\ncase "$1" in READY*) sleep 0.2;; esac\necho "$NOTIFY_SOCKET $*" >>${folder}/heard\n`,
    );
    chmodSync(program, 0o755);
    const channel = openChannel('@somewhere', `/nowhere:${folder}`, withoutKoffi);
    const [first, second] = [channel.send('READY=1\nSTATUS=a b'), channel.send('WATCHDOG=1')];
    await channel.close();
    await Promise.all([first, second]);
    expect(readFileSync(join(folder, 'heard'), 'utf8')).toBe('@somewhere READY=1 STATUS=a b\n@somewhere WATCHDOG=1\n');
  });

  it('is understood by the real program', async ({ skip }) => {
    needs(systemdNotify, skip);
    const address = join(tempFolder(), 'notify');
    const receiver = await receiveNotifications(address);
    const channel = openChannel(address, dirname(systemdNotify.path), withoutKoffi);
    await channel.send('READY=1\nSTATUS=healthy; 2 components: 2 running');
    await until('the datagram', () => receiver.count('READY=1') === 1);
    expect(receiver.said('STATUS')).toBe('healthy; 2 components: 2 running');
    await expect(programChannel(systemdNotify.path, `${address}-none`).send('READY=1')).rejects.toThrow(
      'systemd-notify',
    );
  });

  it('is refused with a sentence where there is none', () => {
    expect(() => openChannel('/run/x', '/nowhere', withoutKoffi)).toThrow(
      'neither koffi nor systemd-notify is here: the service manager hears nothing of us',
    );
    expect(() => openChannel('vsock:2:9000', '')).toThrow('NOTIFY_SOCKET is "vsock:2:9000": a path or @NAME');
    expect(() => openChannel(`/${'x'.repeat(107)}`, '')).toThrow('NOTIFY_SOCKET is longer than 107 bytes');
  });

  it('is there on this machine', () => {
    expect(canSendDatagrams()).toBe(true);
  });
});

describe('a socket address', () => {
  it('ends a path with a zero, and begins an abstract name with one', () => {
    expect([...socketAddress('/a')]).toEqual([1, 0, 47, 97, 0]);
    expect([...socketAddress('@a')]).toEqual([1, 0, 0, 97]);
  });
});

describe('the words of a service manager', () => {
  it.each([
    { env: {}, means: null },
    { env: { NOTIFY_SOCKET: '' }, means: null },
    { env: { NOTIFY_SOCKET: '/n' }, means: { address: '/n', watchdogMs: null } },
    { env: { NOTIFY_SOCKET: '/n', WATCHDOG_USEC: '30000000' }, means: { address: '/n', watchdogMs: 30_000 } },
    { env: { NOTIFY_SOCKET: '/n', WATCHDOG_USEC: '5000', WATCHDOG_PID: '7' }, means: { address: '/n', watchdogMs: 5 } },
    {
      env: { NOTIFY_SOCKET: '/n', WATCHDOG_USEC: '5000', WATCHDOG_PID: '8' },
      means: { address: '/n', watchdogMs: null },
    },
    { env: { NOTIFY_SOCKET: '/n', WATCHDOG_USEC: 'soon' }, means: { address: '/n', watchdogMs: null } },
    { env: { NOTIFY_SOCKET: '/n', WATCHDOG_USEC: '0' }, means: { address: '/n', watchdogMs: null } },
  ])('$env', ({ env, means }) => {
    expect(readManagerWords(env, 7)).toEqual(means);
  });
});

import { createRequire } from 'node:module';
import { constants } from 'node:os';
import type koffi from 'koffi';
import type { Channel } from './channel.ts';

/*
 * Datagrams to a Unix socket by glibc itself, for Node has none: sent from this very process, so that the service
 * manager sees its main process as the sender (NotifyAccess=main) and no MAINPID needs to be told.
 */

/** Of sys/socket.h on x64 and arm64. */
const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC_NONBLOCK = 0x2 | 0x80000 | 0x800;
const MSG_DONTWAIT_NOSIGNAL = 0x40 | 0x4000;
const LONGEST_NAME = 107;

/** A sockaddr_un: the family, then the path with its end, or a zero and the abstract name without one. */
export function socketAddress(address: string): Buffer {
  const abstract = address.startsWith('@');
  const name = Buffer.from(abstract ? address.slice(1) : address);
  if (name.length > LONGEST_NAME) throw new Error(`NOTIFY_SOCKET is longer than ${LONGEST_NAME} bytes: ${address}`);
  const family = Buffer.alloc(2);
  family.writeUInt16LE(AF_UNIX);
  return Buffer.concat(abstract ? [family, Buffer.from([0]), name] : [family, name, Buffer.from([0])]);
}

const nameOf = (number: number): string =>
  Object.entries(constants.errno).find(([, value]) => value === number)?.[0] ?? `errno ${number}`;

/**
 * @returns null where there is no glibc or koffi is not installed.
 * @throws what the system says when there is no socket to be had, or the address is too long.
 */
export function datagramChannel(address: string): Channel | null {
  if (!canSendDatagrams()) return null;
  const ffi = load();
  const libc = ffi.load('libc.so.6');
  const socket = libc.func('int socket(int domain, int type, int protocol)') as (...args: number[]) => number;
  const sendto = libc.func(
    'long sendto(int fd, uint8_t *text, size_t length, int flags, uint8_t *to, unsigned int to_length)',
  ) as (fd: number, text: Buffer, length: number, flags: number, to: Buffer, toLength: number) => number;
  const close = libc.func('int close(int fd)') as (fd: number) => number;

  const to = socketAddress(address);
  let fd = socket(AF_UNIX, SOCK_DGRAM_CLOEXEC_NONBLOCK, 0);
  if (fd < 0) throw new Error(`socket: ${nameOf(ffi.errno())}`);
  return {
    send(text) {
      const bytes = Buffer.from(text);
      const sent = fd < 0 ? -1 : sendto(fd, bytes, bytes.length, MSG_DONTWAIT_NOSIGNAL, to, to.length);
      if (sent === bytes.length) return Promise.resolve();
      return Promise.reject(new Error(`${address}: ${fd < 0 ? 'closed' : nameOf(ffi.errno())}`));
    },
    close() {
      if (fd >= 0) close(fd);
      fd = -1;
      return Promise.resolve();
    },
  };
}

const load = () => createRequire(import.meta.url)('koffi') as typeof koffi;

/** Whether this process can send by itself. */
export function canSendDatagrams(): boolean {
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) return false;
  try {
    load().load('libc.so.6');
    return true;
  } catch {
    return false;
  }
}

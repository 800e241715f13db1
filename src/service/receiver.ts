import { createRequire } from 'node:module';
import { constants } from 'node:os';
import type koffi from 'koffi';
import { canSendDatagrams, socketAddress } from './datagram.ts';

/*
 * The receiving end of sd_notify(3), for the programs that we start: a Unix datagram socket by glibc itself, because
 * Node has none. The kernel raises SIGIO when something has come, so that waiting costs nothing, and says who sent it.
 */

/** Of sys/socket.h and fcntl.h on x64 and arm64. */
const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC_NONBLOCK = 0x2 | 0x80000 | 0x800;
const SOL_SOCKET = 1;
const SO_PASSCRED = 16;
const SCM_CREDENTIALS = 2;
const MSG_DONTWAIT = 0x40;
const F_SETFL = 4;
const F_SETOWN = 8;
const O_NONBLOCK_ASYNC = 0x800 | 0x2000;

const LONGEST_TEXT = 4_096;
/** Room for the sender's credentials and nothing else: the kernel closes descriptors that came along. */
const CONTROL_BYTES = 32;
/** A sender that never stops must not hold up the loop. */
const MOST_AT_ONCE = 256;

export interface Receiver {
  close(): void;
}

/**
 * Listens at a path or an `@` abstract name.
 * @param hear what one process said, `NAME=VALUE` lines; must not throw.
 * @returns null where there is no glibc or koffi is not installed.
 * @throws what the system says when the address cannot be had.
 */
export function receiveDatagrams(address: string, hear: (pid: number, text: string) => void): Receiver | null {
  if (!canSendDatagrams()) return null;
  const ffi = createRequire(import.meta.url)('koffi') as typeof koffi;
  const libc = ffi.load('libc.so.6');
  const call = (prototype: string) => libc.func(prototype) as (...args: unknown[]) => number;
  const vector = ffi.struct({ base: 'void *', length: 'size_t' });
  const header = ffi.struct({
    name: 'void *',
    nameLength: 'uint32_t',
    vectors: ffi.pointer(vector),
    count: 'size_t',
    control: 'void *',
    controlLength: 'size_t',
    flags: 'int',
  });
  const recvmsg = libc.func('recvmsg', 'long', ['int', ffi.inout(ffi.pointer(header)), 'int']) as (
    ...args: unknown[]
  ) => number;
  const close = call('int close(int fd)');

  const fd = call('int socket(int domain, int type, int protocol)')(AF_UNIX, SOCK_DGRAM_CLOEXEC_NONBLOCK, 0);
  const must = (what: string, result: number): void => {
    if (result >= 0) return;
    const number = ffi.errno();
    if (fd >= 0) close(fd);
    const name = Object.entries(constants.errno).find(([, value]) => value === number)?.[0] ?? `errno ${number}`;
    throw new Error(`${address}: ${what}: ${name}`);
  };
  must('socket', fd);
  const at = socketAddress(address);
  must('bind', call('int bind(int fd, uint8_t *address, uint32_t length)')(fd, at, at.length));
  const on = Buffer.from(Int32Array.of(1).buffer);
  const setsockopt = call('int setsockopt(int fd, int level, int name, uint8_t *value, uint32_t length)');
  must('SO_PASSCRED', setsockopt(fd, SOL_SOCKET, SO_PASSCRED, on, on.length));

  const [text, control] = [Buffer.alloc(LONGEST_TEXT), Buffer.alloc(CONTROL_BYTES)];
  let open = true;
  const drain = (): void => {
    for (let i = 0; open && i < MOST_AT_ONCE; i++) {
      control.fill(0);
      const message = {
        name: null,
        nameLength: 0,
        vectors: [{ base: text, length: text.length }],
        count: 1,
        control,
        controlLength: control.length,
        flags: 0,
      };
      const length = recvmsg(fd, message, MSG_DONTWAIT);
      if (length < 0) return;
      // A cmsghdr: its length, the level, the type; then pid, uid and gid.
      if (control.readInt32LE(8) !== SOL_SOCKET || control.readInt32LE(12) !== SCM_CREDENTIALS) continue;
      hear(control.readInt32LE(16), text.toString('utf8', 0, length));
    }
    if (open) setImmediate(drain);
  };
  // For good: a signal that is still on its way when we close would end this process.
  process.on('SIGIO', drain);
  const fcntl = libc.func('int fcntl(int fd, int command, ...)') as (...args: unknown[]) => number;
  must('F_SETOWN', fcntl(fd, F_SETOWN, 'int', process.pid));
  must('O_ASYNC', fcntl(fd, F_SETFL, 'int', O_NONBLOCK_ASYNC));
  drain();
  return {
    close() {
      if (open) close(fd);
      open = false;
    },
  };
}

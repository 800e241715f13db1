import { createRequire } from 'node:module';
import { constants } from 'node:os';
import type koffi from 'koffi';
import type { Exit } from '../model/index.ts';
import type { Child, Launch, Launcher } from './launcher.ts';
import { findProgram, systemError } from './program.ts';

/*
 * Processes by glibc's posix_spawn: parent and child share memory until the exec, so that it takes a third of a
 * millisecond however large this process has grown, and no page of ours is copied afterwards. The way of every
 * restart that must be fast.
 */

/** Sizes of glibc's opaque types with room to spare: 336, 80 and 128 bytes on 64-bit systems. */
const ATTRIBUTES_BYTES = 512;
const ACTIONS_BYTES = 256;
const SIGNAL_SET_BYTES = 128;
/** POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID, of spawn.h. */
const FLAGS = 0x04 | 0x08 | 0x80;
const WNOHANG = 1;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

type Call = (...args: unknown[]) => number;

interface Libc {
  readonly posixSpawn: Call;
  readonly waitpid: Call;
  readonly kill: Call;
  readonly actionsInit: Call;
  readonly actionsDestroy: Call;
  readonly addDup2: Call;
  readonly addOpen: Call;
  readonly addChdir: Call;
  /** What Node has ignored or blocked is as in any new process again; a session of its own. */
  readonly attributes: Buffer;
}

function loadLibc(): Libc {
  const ffi = createRequire(import.meta.url)('koffi') as typeof koffi;
  const libc = ffi.load('libc.so.6');
  const call = (prototype: string): Call => libc.func(prototype) as Call;
  const attributes = Buffer.alloc(ATTRIBUTES_BYTES);
  const [all, none] = [Buffer.alloc(SIGNAL_SET_BYTES), Buffer.alloc(SIGNAL_SET_BYTES)];
  call('int sigfillset(uint8_t *set)')(all);
  call('int sigemptyset(uint8_t *set)')(none);
  call('int posix_spawnattr_init(uint8_t *attributes)')(attributes);
  call('int posix_spawnattr_setsigdefault(uint8_t *attributes, uint8_t *set)')(attributes, all);
  call('int posix_spawnattr_setsigmask(uint8_t *attributes, uint8_t *set)')(attributes, none);
  call('int posix_spawnattr_setflags(uint8_t *attributes, short flags)')(attributes, FLAGS);
  return {
    attributes,
    posixSpawn: call(
      'int posix_spawn(_Out_ int *pid, str path, uint8_t *actions, uint8_t *attributes, const char **argv, const char **envp)',
    ),
    waitpid: call('int waitpid(int pid, _Out_ int *status, int options)'),
    kill: call('int kill(int pid, int signal)'),
    actionsInit: call('int posix_spawn_file_actions_init(uint8_t *actions)'),
    actionsDestroy: call('int posix_spawn_file_actions_destroy(uint8_t *actions)'),
    addDup2: call('int posix_spawn_file_actions_adddup2(uint8_t *actions, int from, int to)'),
    addOpen: call('int posix_spawn_file_actions_addopen(uint8_t *actions, int fd, str path, int flags, int mode)'),
    addChdir: call('int posix_spawn_file_actions_addchdir_np(uint8_t *actions, str path)'),
  };
}

/** @returns null where there is no glibc 2.29 or koffi is not installed: the slower way then. */
export function posixLauncher(): Launcher | null {
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) return null;
  let libc: Libc;
  try {
    libc = loadLibc();
  } catch {
    return null;
  }
  const children = new Map<number, (exit: Exit) => void>();
  /** Signals keep no process alive; a child whose end somebody may be waiting for does, as Node's own do. */
  const anchor = setInterval(() => {}, LONGEST_TIMER_MS).unref();
  const held = new Set<number>();
  const release = (pid: number) => {
    if (held.delete(pid) && held.size === 0) anchor.unref();
  };

  /** One signal may stand for several ends; libuv waits for its own children only. */
  const reap = (): void => {
    for (const [pid, tell] of children) {
      const status = [0];
      const found = libc.waitpid(pid, status, WNOHANG);
      if (found === 0) continue;
      children.delete(pid);
      release(pid);
      tell(found === pid ? exitOf(status[0] ?? 0) : { code: null, signal: null });
    }
  };
  process.on('SIGCHLD', reap);

  return {
    launch(order) {
      try {
        const pid = spawnProcess(libc, order);
        return Promise.resolve(keep(pid));
      } catch (error) {
        return Promise.reject(error as Error);
      }
    },
    killGroup: (group) => libc.kill(-group, constants.signals.SIGKILL) === 0,
    orphans: {
      isKnown: (pid) => children.has(pid),
      reap: (pid) => void libc.waitpid(pid, [0], WNOHANG),
    },
    close() {
      process.off('SIGCHLD', reap);
      clearInterval(anchor);
    },
  };

  function keep(pid: number): Child {
    let exit: Exit | null = null;
    const hearers: ((exit: Exit) => void)[] = [];
    held.add(pid);
    anchor.ref();
    children.set(pid, (told) => {
      exit = told;
      for (const hear of hearers) hear(told);
    });
    return {
      pid,
      get ended() {
        return exit !== null;
      },
      onExit: (hear) => (exit ? hear(exit) : void hearers.push(hear)),
      unref: () => release(pid),
    };
  }
}

/** Of two names for one number the first counts: SIGABRT, not SIGIOT. */
const signalNames = new Map(
  Object.entries(constants.signals)
    .toReversed()
    .map(([name, number]) => [number, name]),
);

/** A wait status: the low seven bits hold the signal, or 0 and the code stands above. */
export function exitOf(status: number): Exit {
  const signal = status & 0x7f;
  return signal === 0
    ? { code: (status >> 8) & 0xff, signal: null }
    : { code: null, signal: signalNames.get(signal) ?? `SIG${signal}` };
}

function spawnProcess(libc: Libc, { program, args, cwd, env, stdout, stderr }: Launch): number {
  const path = findProgram(program, env['PATH']);
  const environment = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  if ([cwd, path, ...args, ...environment].some((text) => text.includes('\0')))
    throw new Error('its command or environment holds null bytes');
  const actions = Buffer.alloc(ACTIONS_BYTES);
  libc.actionsInit(actions);
  try {
    libc.addOpen(actions, 0, '/dev/null', 0, 0);
    libc.addDup2(actions, stdout, 1);
    libc.addDup2(actions, stderr, 2);
    libc.addChdir(actions, cwd);
    const run = (file: string, argv: readonly string[]): number => {
      const pid = [0];
      const failed = libc.posixSpawn(pid, file, actions, libc.attributes, [...argv, null], [...environment, null]);
      return failed === 0 ? (pid[0] ?? 0) : -failed;
    };
    let pid = run(path, [program, ...args]);
    // A script without a first line that names its interpreter: a shell runs it, as execvp would have it.
    if (pid === -constants.errno.ENOEXEC) pid = run('/bin/sh', ['sh', path, ...args]);
    if (pid > 0) return pid;
    throw systemError(Object.entries(constants.errno).find(([, number]) => number === -pid)?.[0] ?? `errno ${-pid}`);
  } finally {
    libc.actionsDestroy(actions);
  }
}

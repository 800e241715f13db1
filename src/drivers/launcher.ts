import { spawn } from 'node:child_process';
import type { Exit } from '../model/index.ts';

/** One program to be run in a session and process group of its own, its output going to open files. */
export interface Launch {
  readonly program: string;
  readonly args: readonly string[];
  /** Absolute. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdout: number;
  readonly stderr: number;
}

/** A process that we are the parent of. */
export interface Child {
  readonly pid: number;
  /** Until its end was told the pid waits as a zombie and is given to nobody else. */
  readonly ended: boolean;
  /** Calls back once, when it has ended. */
  onExit(hear: (exit: Exit) => void): void;
  /** Keeps this process alive no longer. */
  unref(): void;
}

/** A way of making processes. */
export interface Launcher {
  /** Rejects with the system's error, its `code` such as ENOENT. */
  launch(order: Launch): Promise<Child>;
  /**
   * Kills what is left of the process group of a child that has ended; absent: as Node can, which makes an error of a
   * group that is empty, as nearly all are. @returns false when nothing was left, or nothing that this user may kill.
   */
  killGroup?(group: number): boolean;
  /** What is a child of this process without its doing; absent: such ones cannot be waited for. */
  readonly orphans?: {
    /** Made here, and its end is still to be told. */
    isKnown(pid: number): boolean;
    /** Lets an ended one go. */
    reap(pid: number): void;
  };
  /** Stops hearing of ends; the children go on running. */
  close(): void;
}

/**
 * By Node's own means, on every system. It forks, which copies the page tables of this process: a millisecond and a
 * half at 50 MB of resident memory, six at 120.
 */
export const nodeLauncher = (onTrouble: (pid: number, error: unknown) => void): Launcher => ({
  launch: ({ program, args, cwd, env, stdout, stderr }) =>
    new Promise((resolve, reject) => {
      const child = spawn(program, args, {
        cwd,
        env,
        detached: true,
        windowsHide: true,
        stdio: ['ignore', stdout, stderr],
      });
      const { pid } = child;
      child.on('error', (error) => (pid === undefined ? reject(error) : onTrouble(pid, error)));
      if (pid === undefined) return;
      resolve({
        pid,
        get ended() {
          return child.exitCode !== null || child.signalCode !== null;
        },
        onExit: (hear) => void child.once('exit', (code, signal) => hear({ code, signal })),
        unref: () => child.unref(),
      });
    }),
  close: () => {},
});

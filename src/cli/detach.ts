import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { failure, sentenceOf } from '../errors.ts';
import { makeFolder } from '../make-folder.ts';
import { readDaemonFile } from './daemon-file.ts';
import { progress } from './terminal.ts';

const READY_WITHIN_MS = 120_000;
const LONGEST_ERROR = 16 * 1024;
const INTERRUPTED = 130;

interface Output {
  /** Of this child alone until it is kept. */
  readonly file: string;
  readonly descriptor: number;
  /** What the child has said; at most the first 16 KiB. */
  said(): string;
  /** Becomes `daemon.out`; the one of the daemon before is kept as `daemon.out.1`. */
  keep(): string;
  /** The child ended, and what it said is told: nothing is left of it. */
  drop(): void;
}

/**
 * Where the child writes. Its own file: a daemon that already runs here may say something at the same moment, and that
 * would be told as the reason why ours has ended.
 */
function openOutput(stateDir: string): Output {
  const folder = join(stateDir, 'logs');
  const file = join(folder, `daemon.${process.pid}.out`);
  const kept = join(folder, 'daemon.out');
  try {
    makeFolder(stateDir);
    makeFolder(folder);
    rmSync(file, { force: true });
    const descriptor = openSync(file, 'a+', 0o600);
    return {
      file,
      descriptor,
      said() {
        const buffer = Buffer.alloc(LONGEST_ERROR);
        return buffer
          .subarray(0, readSync(descriptor, buffer, 0, buffer.length, 0))
          .toString('utf8')
          .trimEnd();
      },
      keep() {
        if (existsSync(kept)) renameSync(kept, `${kept}.1`);
        renameSync(file, kept);
        return kept;
      },
      drop: () => rmSync(file, { force: true }),
    };
  } catch (error) {
    throw failure('STATE_DIR_UNUSABLE', { folder: stateDir, why: sentenceOf(error) }, { cause: error });
  }
}

async function isReady(stateDir: string, pid: number): Promise<string | undefined> {
  const daemon = readDaemonFile(stateDir);
  if (daemon?.pid !== pid) return undefined;
  try {
    const answer = await fetch(new URL('/readyz', daemon.url));
    return answer.status === 200 ? daemon.url : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Starts the daemon in a process of its own, with its output in `state_dir/logs/daemon.out`.
 * @param args the command line without `--detach`.
 * @returns the exit code: 0 once it supervises, the child's own when it ended instead.
 */
export async function detach(stateDir: string, args: readonly string[]): Promise<number> {
  const output = openOutput(stateDir);
  const child = spawn(process.execPath, [...process.execArgv, process.argv[1] ?? '', ...args], {
    detached: true,
    stdio: ['ignore', output.descriptor, output.descriptor],
  });
  const ended = new Promise<number>((resolve) => {
    child.once('error', () => resolve(1));
    child.once('exit', (code) => resolve(code ?? INTERRUPTED));
  });
  const deadline = performance.now() + READY_WITHIN_MS;
  const ready = async (): Promise<number> => {
    for (;;) {
      const outcome = await Promise.race([ended, sleep(50)]);
      if (outcome !== undefined) {
        console.error(output.said() || 'The daemon ended without a word.');
        output.drop();
        return outcome || 1;
      }
      const url = await isReady(stateDir, child.pid ?? 0);
      if (url !== undefined) {
        console.log(`paramedic runs in the background (pid ${child.pid}): ${url}; its output is in ${output.keep()}`);
        return 0;
      }
      if (performance.now() > deadline) {
        console.error(
          `The daemon (pid ${child.pid}) does not supervise yet after two minutes; its output is in ${output.file}`,
        );
        return 1;
      }
    }
  };
  try {
    return await progress('starting', ready());
  } finally {
    closeSync(output.descriptor);
    child.unref();
  }
}

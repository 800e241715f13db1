import { spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { failure, sentenceOf } from '../errors.ts';
import { makeFolder } from '../make-folder.ts';
import { readDaemonFile } from './daemon-file.ts';
import { progress } from './terminal.ts';

const READY_WITHIN_MS = 120_000;
const LONGEST_ERROR = 16 * 1024;
const INTERRUPTED = 130;

function openOutput(stateDir: string): { file: string; descriptor: number } {
  const folder = join(stateDir, 'logs');
  const file = join(folder, 'daemon.out');
  try {
    makeFolder(stateDir);
    makeFolder(folder);
    return { file, descriptor: openSync(file, 'a+', 0o600) };
  } catch (error) {
    throw failure('STATE_DIR_UNUSABLE', { folder: stateDir, why: sentenceOf(error) }, { cause: error });
  }
}

/** What the child has written since `from`. */
function writtenSince(descriptor: number, from: number): string {
  const buffer = Buffer.alloc(Math.min(LONGEST_ERROR, Math.max(0, fstatSync(descriptor).size - from)));
  return buffer
    .subarray(0, readSync(descriptor, buffer, 0, buffer.length, from))
    .toString('utf8')
    .trimEnd();
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
  const { file, descriptor } = openOutput(stateDir);
  const from = fstatSync(descriptor).size;
  const child = spawn(process.execPath, [...process.execArgv, process.argv[1] ?? '', ...args], {
    detached: true,
    stdio: ['ignore', descriptor, descriptor],
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
        console.error(writtenSince(descriptor, from) || 'The daemon ended without a word.');
        return outcome || 1;
      }
      const url = await isReady(stateDir, child.pid ?? 0);
      if (url !== undefined) {
        console.log(`paramedic runs in the background (pid ${child.pid}): ${url}; its output is in ${file}`);
        return 0;
      }
      if (performance.now() > deadline) {
        console.error(
          `The daemon (pid ${child.pid}) does not supervise yet after two minutes; its output is in ${file}`,
        );
        return 1;
      }
    }
  };
  try {
    return await progress('starting', ready());
  } finally {
    closeSync(descriptor);
    child.unref();
  }
}

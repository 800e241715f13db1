import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Readable } from 'node:stream';
import { sentenceOf } from '../errors.ts';
import { whyNoFolder } from '../working-folder.ts';
import type { CheckContext } from './check.ts';

/** What a program that was started by the command may still say after the command itself has ended. */
const LAST_WORDS_MS = 100;
/** The daemon's other variables may be secret. */
const INHERITED = ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR', 'SystemRoot', 'TEMP', 'PATHEXT'];

/** How a command ended: by an exit code or a signal, or it could not be started. */
export interface CommandEnd {
  readonly exit: number | null;
  readonly by: string | null;
  readonly notStarted: string | null;
  /** The end of what it said on both streams. */
  readonly output: string;
}

/**
 * Runs a program in a group of its own, never through a shell and without the daemon's variables; whatever it has
 * started is ended with it, and at once when the signal is aborted. Never rejects.
 * @param keepBytes of the end of its output.
 */
export function runCommand(
  [program, ...args]: readonly [string, ...string[]],
  { signal, cwd }: Pick<CheckContext, 'signal' | 'cwd'>,
  keepBytes: number,
): Promise<CommandEnd> {
  const env = Object.fromEntries(
    INHERITED.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
  const notStarted = (error: unknown) => ({
    exit: null,
    by: null,
    notStarted: whyNoFolder(cwd) ?? sentenceOf(error),
  });
  return new Promise((resolve) => {
    let child: ChildProcessByStdio<null, Readable, Readable>;
    try {
      child = spawn(program, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true });
    } catch (error) {
      // Node throws what it does not expect of a system: a folder that is none, arguments that are too long.
      return resolve({ ...notStarted(error), output: '' });
    }
    let output = Buffer.alloc(0);
    let lastWords: NodeJS.Timeout | undefined;
    const hear = (chunk: Buffer) => (output = Buffer.concat([output, chunk]).subarray(-keepBytes));
    const killGroup = () => {
      if (child.pid === undefined) return;
      try {
        process.kill(process.platform === 'win32' ? child.pid : -child.pid, 'SIGKILL');
      } catch {
        // The whole group has already gone.
      }
    };
    let ended = false;
    const end = (how: Omit<CommandEnd, 'output'>) => {
      if (ended) return;
      ended = true;
      clearTimeout(lastWords);
      signal.removeEventListener('abort', killGroup);
      killGroup();
      child.stdout.destroy();
      child.stderr.destroy();
      resolve({ ...how, output: output.toString('utf8') });
    };
    signal.addEventListener('abort', killGroup, { once: true });
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('error', (error) => end(notStarted(error)));
    child.once('exit', (exit, by) => {
      const how = { exit, by, notStarted: null };
      lastWords = setTimeout(() => end(how), LAST_WORDS_MS);
      child.once('close', () => end(how));
    });
  });
}

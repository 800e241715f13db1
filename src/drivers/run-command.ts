import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { formatDuration } from '../format.ts';
import { whyNotSpawned } from './spawn-failure.ts';

const OUTPUT_BYTES = 256 * 1_024;
/** Time that one which nobody wants any more has to end. */
const LEAVE_MS = 1_000;

export interface CommandOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Then its process group is killed. */
  readonly timeoutMs: number;
  /** Aborted when nobody wants it any more: its process group is told to end, and killed when it does not. */
  readonly signal?: AbortSignal | undefined;
  /** Where its output goes; by default it is read, at most 256 KiB of each stream. */
  readonly stdout?: number | 'ignore';
  readonly stderr?: number | 'ignore';
}

/** How a command ended. `code` is null when a signal ended it. */
export interface CommandEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a command to its end, never through a shell. What it leaves behind may hold on to its output when that goes to
 * a file; one whose output is read has ended when that is closed.
 * Rejects with a sentence when it cannot be started, a signal ends it, or the time is up.
 */
export function runCommand(command: readonly string[], options: CommandOptions): Promise<CommandEnd> {
  const { cwd, env, timeoutMs, signal, stdout = 'pipe', stderr = 'pipe' } = options;
  const [program = '', ...args] = command;
  const stdio: StdioOptions = ['ignore', stdout, stderr];
  return new Promise((resolve, reject) => {
    const failed = (why: string, cause?: unknown) => reject(new Error(`"${program}" ${why}`, { cause }));
    const notStarted = (error: unknown) =>
      failed(`could not be started: ${whyNotSpawned({ command, cwd, env }, error)}`, error);
    if (signal?.aborted) return failed('is not wanted any more');
    let child: ChildProcess;
    try {
      child = spawn(program, args, { cwd, env, detached: true, windowsHide: true, stdio });
    } catch (error) {
      // Node throws what it does not expect of a system: arguments that are too long, a folder that is none.
      return notStarted(error);
    }
    const said = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const)
      child[name]?.setEncoding('utf8').on('data', (text: string) => {
        if (said[name].length < OUTPUT_BYTES) said[name] += text;
      });
    let late = false;
    let leaving: NodeJS.Timeout | undefined;
    const timer = setTimeout(() => {
      late = true;
      signalGroup(child.pid, 'SIGKILL');
      failed(`did not end within ${formatDuration(timeoutMs)}`);
    }, timeoutMs);
    const leave = () => {
      signalGroup(child.pid, 'SIGTERM');
      leaving = setTimeout(() => signalGroup(child.pid, 'SIGKILL'), LEAVE_MS);
    };
    const over = () => {
      clearTimeout(timer);
      clearTimeout(leaving);
      signal?.removeEventListener('abort', leave);
    };
    signal?.addEventListener('abort', leave);
    child.once('error', (error) => {
      over();
      notStarted(error);
    });
    child.once(child.stdout || child.stderr ? 'close' : 'exit', (code: number | null, by: string | null) => {
      over();
      if (late) return;
      if (by !== null) failed(`was ended by ${by}`);
      else resolve({ code, ...said });
    });
  });
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, signal);
  } catch {
    // It has gone meanwhile.
  }
}

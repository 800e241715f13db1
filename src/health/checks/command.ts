import { spawn } from 'node:child_process';
import { z } from 'zod';
import { defineCheck, healthy, unhealthy, type CheckResult } from '../check.ts';

const OUTPUT_BYTES = 4_096;
/** What a program that was started by the command may still say after the command itself has ended. */
const LAST_WORDS_MS = 100;
/** The daemon's other variables may be secret. */
const INHERITED = ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR', 'SystemRoot', 'TEMP', 'PATHEXT'];

const code = z.number().int().min(0).max(255);

export const command = defineCheck({
  kind: 'command',
  summary: 'Healthy while a command ends with the expected exit code; its last line of output is the message.',
  options: z.strictObject({
    command: z.tuple([z.string().min(1)], z.string()).describe('The program and its arguments; never through a shell.'),
    expect_exit: z
      .union([code, z.array(code).min(1)])
      .default(0)
      .describe('Exit code, or list of them, that is well.'),
  }),
  run({ command: [program, ...args], expect_exit }, { signal, cwd }) {
    const env = Object.fromEntries(
      INHERITED.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
    );
    return new Promise<CheckResult>((resolve) => {
      const child = spawn(program, args, {
        cwd,
        env,
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
        windowsHide: true,
      });
      let output = Buffer.alloc(0);
      let lastWords: NodeJS.Timeout | undefined;
      const hear = (chunk: Buffer) => (output = Buffer.concat([output, chunk]).subarray(-OUTPUT_BYTES));
      const killGroup = () => {
        if (child.pid === undefined) return;
        try {
          process.kill(process.platform === 'win32' ? child.pid : -child.pid, 'SIGKILL');
        } catch {
          // The whole group has already gone.
        }
      };
      let ended = false;
      const end = (result: (lastLine: string) => CheckResult) => {
        if (ended) return;
        ended = true;
        clearTimeout(lastWords);
        signal.removeEventListener('abort', killGroup);
        killGroup();
        child.stdout.destroy();
        child.stderr.destroy();
        resolve(result(output.toString('utf8').trimEnd().split('\n').at(-1)?.trim() ?? ''));
      };
      const judge = (exit: number | null, by: string | null) => (line: string) => {
        const how = by === null ? `exit ${exit}` : `ended by ${by}`;
        const well = exit !== null && [expect_exit].flat().includes(exit);
        return well ? healthy(line || how) : unhealthy(line ? `${how}: ${line}` : how);
      };
      signal.addEventListener('abort', killGroup, { once: true });
      child.stdout.on('data', hear);
      child.stderr.on('data', hear);
      child.once('error', (error) => end(() => unhealthy(`could not start "${program}": ${error.message}`)));
      child.once('exit', (exit, by) => {
        lastWords = setTimeout(() => end(judge(exit, by)), LAST_WORDS_MS);
        child.once('close', () => end(judge(exit, by)));
      });
    });
  },
});

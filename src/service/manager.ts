import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { failure, sentenceOf, systemCode } from '../errors.ts';
import { makeFolder } from '../make-folder.ts';
import type { ServiceFacts } from './facts.ts';

/** Who starts daemons with the machine. Every method throws SERVICE_FAILED with what the manager has said. */
export interface ServiceManager {
  /** The unit or plist, whether it is there or not. */
  readonly file: string;
  /** What the file says of a daemon. */
  text(facts: ServiceFacts): string;
  /** It has started this service, and it runs. */
  active(): boolean;
  /** Writes the file and lets the service start with the machine; `now`: (re)starts it too. Idempotent. */
  install(text: string, now: boolean): void;
  /** Stops the service, as `stop` does, and removes the file. @throws SERVICE_NOT_INSTALLED */
  uninstall(): void;
  start(): void;
  stop(): void;
  restart(): void;
  /** The manager's own page, for people. */
  status(): { readonly text: string; readonly active: boolean };
}

/** Runs a program to its end. `code` null: there is no such program. */
export type Run = (program: string, ...args: readonly string[]) => { code: number | null; out: string; err: string };

/** @param env where programs are looked for, too. */
export const runner =
  (env: NodeJS.ProcessEnv): Run =>
  (program, ...args) => {
    const { status, stdout, stderr, error } = spawnSync(program, args, { env, encoding: 'utf8' });
    return { code: status, out: stdout ?? '', err: error === undefined ? stderr : sentenceOf(error) };
  };

/** @throws SERVICE_FAILED */
export function runOrFail(run: Run, program: string, ...args: readonly string[]): void {
  const { code, out, err } = run(program, ...args);
  if (code === 0) return;
  const why = (err.trim() || out.trim() || `exit code ${code}`).replace(/\.$/, '');
  throw failure('SERVICE_FAILED', { command: [program, ...args].join(' '), why });
}

/** Writes the whole file or nothing; others may read it. @throws SERVICE_FAILED */
export function writeWhole(file: string, text: string): void {
  const draft = `${file}.new`;
  try {
    makeFolder(dirname(file));
    writeFileSync(draft, text);
    chmodSync(draft, 0o644);
    renameSync(draft, file);
  } catch (error) {
    throw failure('SERVICE_FAILED', { command: `writing ${file}`, why: sentenceOf(error) }, { cause: error });
  }
}

/** @throws SERVICE_NOT_INSTALLED */
export function requireFile(file: string, name: string): void {
  if (!existsSync(file)) throw failure('SERVICE_NOT_INSTALLED', { name, file });
}

/** @throws SERVICE_FAILED */
export function removeFile(file: string): void {
  try {
    rmSync(file);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return;
    throw failure('SERVICE_FAILED', { command: `removing ${file}`, why: sentenceOf(error) }, { cause: error });
  }
}

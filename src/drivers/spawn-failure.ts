import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { failure, sentenceOf, systemCode, type ParamedicError } from '../errors.ts';
import { isFolder, whyNoFolder } from '../working-folder.ts';
import type { StartPlan } from './driver.ts';

/** What the system was asked to make. */
export type SpawnPlan = Pick<StartPlan, 'command' | 'cwd' | 'env'>;

/** The system says ENOENT for a missing program and a missing interpreter alike. */
function notThere({ command: [program = ''], cwd, env }: SpawnPlan): string {
  if (!program.includes('/')) {
    const path = env['PATH'];
    return path
      ? `it is not in any folder of PATH (${path})`
      : 'the component has no PATH: inherit or set one in "env"';
  }
  const file = isAbsolute(program) ? program : join(cwd, program);
  return existsSync(file)
    ? `the interpreter that ${file} names in its first line does not exist`
    : `there is no ${file}`;
}

/** What exactly is missing or forbidden, in the words of people; without a full stop. */
export function whyNotSpawned(plan: SpawnPlan, error: unknown): string {
  const [program = ''] = plan.command;
  switch (systemCode(error) ?? '') {
    case 'ENOENT':
      return whyNoFolder(plan.cwd) ?? notThere(plan);
    case 'ENOTDIR':
      return whyNoFolder(plan.cwd) ?? 'a part of its path is not a folder';
    case 'EACCES':
      return isFolder(isAbsolute(program) ? program : join(plan.cwd, program))
        ? 'it is a folder'
        : 'it is not executable by this user (chmod +x), or its working folder may not be entered';
    case 'ENOEXEC':
      return 'it is not a program for this machine';
    case 'E2BIG':
      return 'its arguments and environment are too long';
    case 'EAGAIN':
      return "this user's limit of processes is reached (ulimit -u)";
    case 'EMFILE':
    case 'ENFILE':
      return 'too many files are open (ulimit -n)';
    case 'ENOMEM':
      return 'there is no memory for another process';
    default:
      return sentenceOf(error).replace(/\.$/, '');
  }
}

/** The error a person is told of when a process could not be made. */
export const spawnFailure = (plan: SpawnPlan, error: unknown): ParamedicError =>
  failure('SPAWN_FAILED', { command: plan.command[0] ?? '', why: whyNotSpawned(plan, error) }, { cause: error });

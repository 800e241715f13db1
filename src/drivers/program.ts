import { statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';

export const systemError = (code: string): Error => Object.assign(new Error(`spawn ${code}`), { code });

/** As execvp searches, but in the PATH of the child: the first that may be executed, or the name itself. */
export function findProgram(program: string, path: string | undefined): string {
  if (program.includes('/')) return program;
  for (const folder of path?.split(delimiter) ?? []) {
    const file = join(folder, program);
    const stat = statSync(file, { throwIfNoEntry: false });
    if (stat?.isFile() && (stat.mode & 0o111) !== 0) return file;
  }
  throw systemError('ENOENT');
}

/** @throws what the system would say to a start, where another program stands between and would only end. */
export function expectProgram(program: string, cwd: string, path: string | undefined): void {
  const found = findProgram(program, path);
  const stat = statSync(isAbsolute(found) ? found : join(cwd, found), { throwIfNoEntry: false });
  if (!stat) throw systemError('ENOENT');
  if (!stat.isFile() || (stat.mode & 0o111) === 0) throw systemError('EACCES');
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { failure, sentenceOf, systemCode } from '../errors.ts';

/** `STATE_DIR/daemon.json`: how a daemon can be found. */
export interface DaemonFile {
  readonly pid: number;
  readonly url: string;
}

/** The process exists and has not ended. */
export function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
  try {
    // One that has ended but was not yet asked how (a zombie) can still be signalled.
    return !/^\d+ \(.*\) [ZX] /s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}

/** The daemon of a state folder; null when none runs. */
export function readDaemonFile(stateDir: string): DaemonFile | null {
  try {
    const { pid, url } = JSON.parse(readFileSync(join(stateDir, 'daemon.json'), 'utf8')) as Partial<DaemonFile>;
    return Number.isInteger(pid) && pid && url && URL.canParse(url) && alive(pid) ? { pid, url } : null;
  } catch {
    return null;
  }
}

/** @throws STATE_DIR_UNUSABLE when this user may not read it. */
export function readApiToken(stateDir: string): string {
  const file = join(stateDir, 'tokens', 'api.token');
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw failure('STATE_DIR_UNUSABLE', { folder: stateDir, why: sentenceOf(error) }, { cause: error });
  }
}

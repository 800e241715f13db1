import { accessSync, constants, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StartPlan } from './driver.ts';

/** Whom a process runs as. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
  /** Its name when the system has one: then it gets the groups that it is a member of, else none. */
  readonly name: string | null;
}

/** As configured: names or numbers. */
export interface AccountSettings {
  readonly user?: string | undefined;
  readonly group?: string | undefined;
}

interface Row {
  readonly name: string;
  readonly id: number;
  /** The fourth field: the primary group of a user. */
  readonly group: number;
}

/** Rows of /etc/passwd or /etc/group; none where there is no such file. */
function rows(file: string): Row[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return [];
  }
  return text.split('\n').flatMap((line) => {
    const [name = '', , id = '', group = ''] = line.split(':');
    return name === '' || id === '' ? [] : [{ name, id: Number(id), group: Number(group) }];
  });
}

const numberOf = (text: string): number | undefined => (/^\d{1,10}$/.test(text) ? Number(text) : undefined);

/** The program that becomes another user and then the one to be started; null when it is not installed. */
function setpriv(): string | null {
  for (const folder of ['/usr/bin', '/bin', '/usr/local/bin', '/sbin', '/usr/sbin']) {
    try {
      accessSync(join(folder, 'setpriv'), constants.X_OK);
      return join(folder, 'setpriv');
    } catch {
      continue;
    }
  }
  return null;
}

/** To whom the files of a component belong that runs as the daemon does; null: they cannot be anybody else's. */
export const ownAccount = (): Account | null => (process.getuid?.() === 0 ? { uid: 0, gid: 0, name: 'root' } : null);

/**
 * Who is meant, by /etc/passwd and /etc/group.
 * @returns null when nobody else than the daemon's own user is; a sentence when that cannot be.
 */
export function findAccount({ user, group }: AccountSettings): Account | null | string {
  if (user === undefined && group === undefined) return null;
  if (process.getuid?.() !== 0) return 'only a daemon that runs as root can start components as another user or group';
  if (setpriv() === null) return 'needs "setpriv" (util-linux), which is not installed';
  const [users, groups] = [rows('/etc/passwd'), rows('/etc/group')];
  const wanted = user ?? '0';
  const known = users.find(({ name }) => name === wanted) ?? users.find(({ id }) => id === numberOf(wanted));
  const uid = known?.id ?? numberOf(wanted);
  if (uid === undefined) return `no user is named "${wanted}"`;
  const gid = group === undefined ? known?.group : (groups.find(({ name }) => name === group)?.id ?? numberOf(group));
  if (gid === undefined)
    return group === undefined
      ? `the user ${uid} has no primary group that is known: set "group"`
      : `no group is named "${group}"`;
  return { uid, gid, name: user === undefined ? null : (known?.name ?? null) };
}

/**
 * The command that runs another as this account. The groups of the daemon are left behind before anything of it
 * runs; the process stays the same one throughout. It enters its working folder and gets its output files before.
 */
export function asAccount({ uid, gid, name }: Account, command: readonly string[]): StartPlan['command'] {
  const groups = name === null ? '--clear-groups' : '--init-groups';
  return [setpriv() ?? 'setpriv', `--reuid=${uid}`, `--regid=${gid}`, groups, '--inh-caps=-all', '--', ...command];
}

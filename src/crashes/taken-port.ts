import { readdir, readFile, readlink } from 'node:fs/promises';
import { listenersOn } from './hung/resources.ts';

/** Who listens on a port that a component could not have. */
export interface TakenPort {
  readonly port: number;
  /** null: this user may not see whose it is, or it has let go of it meanwhile. */
  readonly pid: number | null;
  readonly command: readonly string[];
}

/** "Address already in use" in the words of Node, Go, Python, Rust, nginx, gunicorn, Java. */
const SAYS_TAKEN =
  /EADDRINUSE|AddrInUse|address (?:is )?already in use|connection in use|port \d+ (?:is|was) (?:already )?in use/i;
/** Where the port stands in such a line: after an address, in Python's pair, or after the word. */
const PORTS = [/(?:^|[\s\w.\]*:(]):(\d{1,5})(?!\d|\.\d|:\S)/g, /\('[^']*', (\d{1,5})[,)]/g, /\bport:? (\d{1,5})\b/gi];
const MOST_COMMAND_CHARS = 500;

const valid = (text: string | undefined): number[] => {
  const port = Number(text);
  return Number.isInteger(port) && port > 0 && port < 65_536 ? [port] : [];
};

/**
 * The ports that a process may have died for, the likeliest first: those in the line that says so, else (Python often
 * names none) what its environment and arguments say. Empty: it did not die for a port. Pure.
 */
export function wantedPorts(
  stderrTail: string,
  { command, env }: { readonly command: readonly string[]; readonly env: Readonly<Record<string, string>> },
): number[] {
  const lines = stderrTail.split('\n').filter((line) => SAYS_TAKEN.test(line));
  if (lines.length === 0) return [];
  const named = lines.flatMap((line) =>
    PORTS.flatMap((port) => [...line.matchAll(port)].flatMap(([, it]) => valid(it))),
  );
  // What stands before it may be the time of day.
  if (named.length > 0) return [...new Set(named.toReversed())];
  const args = command.flatMap((arg) => valid(/(?:^|[=:])(\d{1,5})$/.exec(arg)?.[1]));
  return [...new Set([...valid(env['PORT']), ...args])];
}

/** Reads who listens on the first of these ports that is taken; null: none is. Never rejects; nobody waits for it. */
export async function readTakenPort(ports: readonly number[]): Promise<TakenPort | null> {
  for (const port of ports) {
    const sockets = new Set(listenersOn(port).map((inode) => `socket:[${inode}]`));
    if (sockets.size === 0) continue;
    const pid = await ownerOf(sockets);
    return { port, pid, command: pid === null ? [] : await commandOf(pid) };
  }
  return null;
}

async function ownerOf(sockets: ReadonlySet<string>): Promise<number | null> {
  for (const name of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(name)) continue;
    for (const descriptor of await readdir(`/proc/${name}/fd`).catch(() => []))
      if (sockets.has(await readlink(`/proc/${name}/fd/${descriptor}`).catch(() => ''))) return Number(name);
  }
  return null;
}

async function commandOf(pid: number): Promise<string[]> {
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return text.slice(0, MOST_COMMAND_CHARS).split('\0').filter(Boolean);
}

/** For people: one clause. */
export const tellTaken = ({ port, pid, command }: TakenPort): string =>
  pid === null
    ? `port ${port} is taken by a process that this user may not see`
    : `port ${port} is taken by process ${pid} (${command.join(' ')})`;

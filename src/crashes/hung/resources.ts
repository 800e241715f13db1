import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const MOST_RESOURCES = 200;
const LISTENING = '0A';
const REACHABLE = new Set(['127.0.0.1', '0.0.0.0', '[::]', '[::1]']);

interface Address {
  readonly host: string;
  readonly port: number;
}

/** A TCP socket as the kernel lists it. */
interface Connection {
  readonly inode: string;
  readonly here: Address;
  readonly there: Address;
  readonly listening: boolean;
}

/** `0100007F:240D`: words in the order of this machine, then the port. @returns as in an URL: `[::1]` has brackets. */
function addressOf(hex: string): Address {
  const [address = '', port = ''] = hex.split(':');
  const bytes = (address.match(/.{8}/g) ?? []).flatMap((word) => (word.match(/../g) ?? []).toReversed());
  const host =
    bytes.length === 4
      ? bytes.map((byte) => Number.parseInt(byte, 16)).join('.')
      : new URL(`http://[${(bytes.join('').match(/.{4}/g) ?? []).join(':')}]`).hostname;
  return { host, port: Number.parseInt(port, 16) };
}

function connectionsOf(pid: number): Connection[] {
  return ['tcp', 'tcp6'].flatMap((table) => {
    try {
      const [, ...lines] = readFileSync(`/proc/${pid}/net/${table}`, 'latin1').trim().split('\n');
      return lines.map((line) => {
        const [, local = '', remote = '', state, , , , , , inode = ''] = line.trim().split(/\s+/);
        const [here, there] = [addressOf(local), addressOf(remote)];
        return { inode, here, there, listening: state === LISTENING };
      });
    } catch {
      return [];
    }
  });
}

/** What its descriptors point to: `/var/log/x`, `socket:[17]`, `pipe:[18]`. */
function targetsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((descriptor) => {
      try {
        return [readlinkSync(`/proc/${pid}/fd/${descriptor}`)];
      } catch {
        return [];
      }
    });
  } catch {
    return [];
  }
}

const inodeOf = (target: string): string | undefined => /^socket:\[(\d+)\]$/.exec(target)?.[1];

/** Connections by their inode, for each network (namespace) that was looked at: one table lists all its processes'. */
export type Networks = Map<string, ReadonlyMap<string, Connection>>;

function networkOf(pid: number, networks: Networks): ReadonlyMap<string, Connection> {
  const name = networkName(pid);
  const found =
    networks.get(name) ?? new Map(connectionsOf(pid).map((connection) => [connection.inode, connection] as const));
  networks.set(name, found);
  return found;
}

/** Of one that cannot be told, its own. */
function networkName(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return String(pid);
  }
}

/**
 * Open files and TCP connections of a process that still lives.
 * @param networks what was read for another moments ago: reading takes tens of milliseconds on a busy host.
 */
export function readResources(pid: number, networks: Networks = new Map()): string[] {
  const connections = networkOf(pid, networks);
  return targetsOf(pid)
    .slice(0, MOST_RESOURCES)
    .map((target) => {
      const connection = connections.get(inodeOf(target) ?? '');
      if (!connection) return target.startsWith('/') ? `File: ${target}` : target;
      const { here, there, listening } = connection;
      const local = `Connection: ${here.host}:${here.port}`;
      return listening ? `${local} listens` : `${local} -> ${there.host}:${there.port}`;
    });
}

/** The sockets (inodes) that listen on this port of this machine, whosever they are. */
export const listenersOn = (port: number): string[] =>
  connectionsOf(process.pid).flatMap(({ inode, listening, here }) => (listening && here.port === port ? [inode] : []));

/** Somebody listens on this port of this machine. */
export const isTaken = (port: number): boolean => listenersOn(port).length > 0;

/** The ports that this very process listens on, reachable from here: none in a network of its own. */
export function listeningPorts(pid: number): number[] {
  if (networkName(pid) !== networkName(process.pid)) return [];
  const own = new Set(targetsOf(pid).flatMap((target) => inodeOf(target) ?? []));
  return connectionsOf(pid)
    .filter(({ inode, listening, here }) => listening && own.has(inode) && REACHABLE.has(here.host))
    .map(({ here }) => here.port);
}

import { execFile } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { accessSync, constants } from 'node:fs';
import { promisify } from 'node:util';
import { datagramChannel } from './datagram.ts';

/** The way by which a service manager hears of us: texts of sd_notify(3), in the order in which they were sent. */
export interface Channel {
  /** Resolves when the text has been handed over; rejects when it could not be. */
  send(text: string): Promise<void>;
  /** Resolves when nothing is under way any more. Idempotent. */
  close(): Promise<void>;
}

const SEND_MS = 5_000;

/** The first executable of this name in a PATH. */
function onPath(name: string, path: string | undefined): string | undefined {
  return path
    ?.split(delimiter)
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** By the program of systemd: a process for each text, one after the other. */
export function programChannel(program: string, address: string): Channel {
  const run = promisify(execFile);
  let last: Promise<unknown> = Promise.resolve();
  return {
    send(text) {
      const sent = last.then(() =>
        run(program, text.split('\n'), { env: { NOTIFY_SOCKET: address }, timeout: SEND_MS }).then(() => {}),
      );
      last = sent.catch(() => {});
      return sent;
    },
    close: () => last.then(() => {}),
  };
}

/**
 * The best way that there is to an address of NOTIFY_SOCKET: a path, or `@` and an abstract name.
 * @param direct our own way, null where it is not to be had; a test gives its own.
 * @throws a sentence when there is no way.
 */
export function openChannel(
  address: string,
  path: string | undefined,
  direct: (address: string) => Channel | null = datagramChannel,
): Channel {
  if (!/^[/@]./s.test(address)) throw new Error(`NOTIFY_SOCKET is "${address}": a path or @NAME is understood`);
  const channel = direct(address);
  if (channel) return channel;
  const program = onPath('systemd-notify', path);
  if (program === undefined)
    throw new Error('neither koffi nor systemd-notify is here: the service manager hears nothing of us');
  return programChannel(program, address);
}

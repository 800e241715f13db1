import { spawn } from 'node:child_process';
import { onTestFinished } from 'vitest';
import { until } from './temp.ts';

/*
 * The receiving end of sd_notify as systemd has it: a datagram socket that is told by the kernel who sent what. Node
 * has no such sockets; python3 has.
 */

const RECEIVER = `
import json, os, socket, struct, sys
address = sys.argv[1]
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
receiver.bind('\\0' + address[1:] if address.startswith('@') else address)
print(json.dumps(None), flush=True)
while True:
    text, ancillary, _, _ = receiver.recvmsg(65536, 1024)
    pid = next(struct.unpack('3i', data[:12])[0] for _, kind, data in ancillary if kind == socket.SCM_CREDENTIALS)
    for _, kind, data in ancillary:
        if kind == socket.SCM_RIGHTS:
            # A barrier: who sent it waits until we have closed it.
            os.close(struct.unpack('i', data[:4])[0])
    print(json.dumps({'pid': pid, 'text': text.decode()}), flush=True)
`;

export interface Notification {
  /** Who sent it, as the kernel knows. */
  readonly pid: number;
  readonly text: string;
}

/** Everything that arrives at one address, in order. */
export interface NotifyReceiver {
  readonly heard: readonly Notification[];
  /** What is in force: each variable as it was last said. */
  said(name: string): string | undefined;
  /** How often this line was said. */
  count(line: string): number;
}

/** Listens at a path or an `@` abstract name until the test has finished. */
export async function receiveNotifications(address: string): Promise<NotifyReceiver> {
  const child = spawn('python3', ['-c', RECEIVER, address], { stdio: ['ignore', 'pipe', 'inherit'] });
  const heard: Notification[] = [];
  let [listening, rest] = [false, ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const message = JSON.parse(line) as Notification | null;
      if (message) heard.push(message);
      else listening = true;
    }
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await until('a listening receiver', () => listening);
  const lines = () => heard.flatMap(({ text }) => text.split('\n'));
  return {
    heard,
    said: (name) =>
      lines()
        .findLast((line) => line.startsWith(`${name}=`))
        ?.slice(name.length + 1),
    count: (wanted) => lines().filter((line) => line === wanted).length,
  };
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createGroupCommit } from '../src/checkpoints/group-commit.ts';
import { createStateStore } from '../src/checkpoints/index.ts';
import { openStates } from '../src/checkpoints/open-states.ts';
import { systemClock } from '../src/clock.ts';
import { readBody } from '../src/http/body.ts';
import { componentName } from '../src/model/index.ts';
import { folder, record, sleep, spread } from './harness.ts';

/*
 * A state of 10 MB comes over HTTP every 300 ms, from another process: for how long does the loop that takes it stand still?
 * The same reading of bodies as in the daemon, and its store in a worker; and, as a control, the same work of the store on
 * the main thread. On a busy machine the loop also stands still because others run: CPU time of a turn leaves that out. Usage: node bench/state-stall.ts [SECONDS=10]
 */
const SECONDS = Number(process.argv[2] ?? 10);
const EVERY_MS = 300;
const STATE_BYTES = 10_000_000;
const LIMIT = 16 * 2 ** 20;
const planner = componentName('planner');

/** Sends states as a component does; each differs from the one before in one message of many. */
const sender = `
  import { request } from 'node:http';
  import { randomBytes } from 'node:crypto';
  const [, port] = process.argv;
  const message = (id) => ({ id, content: randomBytes(750).toString('base64') });
  const messages = Array.from({ length: ${STATE_BYTES} / 1_020 }, (_, id) => message(id));
  for (let id = messages.length; ; id++) {
    messages[id % messages.length] = message(id);
    const body = JSON.stringify({ state: { messages } });
    const asked = request({ port, method: 'PUT', headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) } });
    const answered = new Promise((resolve, reject) => asked.on('response', (answer) => answer.resume().on('end', resolve)).on('error', reject));
    asked.end(body);
    await Promise.all([answered, new Promise((resolve) => setTimeout(resolve, ${EVERY_MS}))]);
  }`;

interface Keeper {
  put(body: Buffer): Promise<unknown>;
  close(): Promise<void> | void;
}

function inWorker(file: string): Keeper {
  const store = createStateStore({ file, eventsFile: null, clock: systemClock, emit: () => {} });
  return { put: (body) => store.putState(planner, body, 'interval'), close: () => store.close() };
}

function onMainThread(file: string): Keeper {
  const opened = openStates(file, systemClock.now());
  const { commitGroup } = createGroupCommit(opened.db, opened.states, opened.raiseMarks);
  return {
    put: async (body) =>
      commitGroup([{ id: 1, job: 'put', component: planner, body, trigger: 'interval', at: systemClock.now() }]),
    close: () => opened.close(),
  };
}

async function measure(open: (file: string) => Keeper) {
  const home = folder();
  const keeper = open(join(home.path, 'state.db'));
  let saved = 0;
  const take = async (request: IncomingMessage) => {
    await keeper.put(await readBody(request as Parameters<typeof readBody>[0], LIMIT));
    saved++;
  };
  const server = createServer((request, response) => {
    take(request).then(
      () => response.end(),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', sender, String(port)], { stdio: 'inherit' });
  while (saved < 2) await sleep(20);
  const stalls: number[] = [];
  const turns: number[] = [];
  const cpuMs = () => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1_000;
  };
  const end = performance.now() + SECONDS * 1_000;
  for (let last = performance.now(), lastCpu = cpuMs(); last < end;) {
    await new Promise((resolve) => setImmediate(resolve));
    const [now, nowCpu] = [performance.now(), cpuMs()];
    if (now - last > 1) stalls.push(now - last);
    if (nowCpu - lastCpu > 1) turns.push(nowCpu - lastCpu);
    [last, lastCpu] = [now, nowCpu];
  }
  child.kill('SIGKILL');
  await once(child, 'exit');
  server.closeAllConnections();
  server.close();
  await keeper.close();
  home.remove();
  return { saved, stalls_ms: spread(stalls), cpu_of_a_turn_ms: spread(turns) };
}

const worker = await measure(inWorker);
const control = await measure(onMainThread);
record('state-stall', {
  seconds: SECONDS,
  state_bytes: STATE_BYTES,
  every_ms: EVERY_MS,
  in_worker: worker,
  on_main_thread: control,
});

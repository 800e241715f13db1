import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createGroupCommit } from '../src/checkpoints/group-commit.ts';
import { createStateStore, type Restored } from '../src/checkpoints/index.ts';
import { openStates } from '../src/checkpoints/open-states.ts';
import { restore } from '../src/checkpoints/restore.ts';
import { systemClock } from '../src/clock.ts';
import { readPieces } from '../src/http/body.ts';
import { sendJsonParts } from '../src/http/json-parts.ts';
import { componentName } from '../src/model/index.ts';
import { folder, record, sleep, spread } from './harness.ts';

/*
 * A state of 10 MB comes over HTTP every 300 ms from another process, which also asks for it back every second: for how
 * long does the loop between the sockets and the store stand still? Bodies are read and answers written as in the
 * daemon, with its store in a worker; and, as a control, with the same work of the store on the main thread. On a busy
 * machine the loop also stands still because others run: CPU time of a turn leaves that out.
 * Usage: node bench/state-stall.ts [SECONDS=10]
 */
const SECONDS = Number(process.argv[2] ?? 10);
const EVERY_MS = 300;
const ASKED_EVERY_MS = 1_000;
const STATE_BYTES = 10_000_000;
const LIMIT = 16 * 2 ** 20;
const planner = componentName('planner');

/** Sends states as a component does; each differs from the one before in one message of many. */
const sender = `
  import { request } from 'node:http';
  import { randomBytes } from 'node:crypto';
  const [, port] = process.argv;
  const message = (id) => ({ id, content: randomBytes(750).toString('base64') });
  const ask = (method, headers, body) => new Promise((resolve, reject) => {
    const asked = request({ port, method, headers }, (answer) => {
      let bytes = 0;
      answer.on('data', (chunk) => (bytes += chunk.length)).on('end', () => resolve(bytes)).on('error', reject);
    });
    asked.on('error', reject).end(body);
  });
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const messages = Array.from({ length: ${STATE_BYTES} / 1_020 }, (_, id) => message(id));
  const askBack = async () => {
    for (;;) {
      await pause(${ASKED_EVERY_MS});
      if ((await ask('GET')) < ${STATE_BYTES}) throw new Error('a state came back shorter than it was put');
    }
  };
  for (let id = messages.length; ; id++) {
    messages[id % messages.length] = message(id);
    const body = JSON.stringify({ state: { messages } });
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    await Promise.all([ask('PUT', headers, body), pause(${EVERY_MS})]);
    if (id === messages.length) void askBack();
  }`;

interface Keeper {
  put(body: Buffer[]): Promise<unknown>;
  get(): Promise<Restored>;
  close(): Promise<void> | void;
}

function inWorker(file: string): Keeper {
  const store = createStateStore({ file, eventsFile: null, clock: systemClock, emit: () => {} });
  return {
    put: (body) => store.putState(planner, body, 'interval'),
    get: () => store.getState(planner, null),
    close: () => store.close(),
  };
}

function onMainThread(file: string): Keeper {
  const opened = openStates(file, systemClock.now());
  const { commitGroup } = createGroupCommit(opened.db, opened.states, opened.raiseMarks);
  return {
    put: async (body) =>
      commitGroup([
        {
          id: 1,
          job: 'put',
          component: planner,
          body: Buffer.concat(body),
          trigger: 'interval',
          at: systemClock.now(),
        },
      ]),
    async get() {
      const asked = {
        component: planner,
        endedAt: null,
        preserve: true,
        doubted: new Set<never>(),
        at: systemClock.now(),
      };
      return restore(opened.states, asked).restored;
    },
    close: () => opened.close(),
  };
}

async function measure(open: (file: string) => Keeper) {
  const home = folder();
  const keeper = open(join(home.path, 'state.db'));
  let saved = 0;
  let given = 0;
  const answer = async (request: Parameters<typeof readPieces>[0], response: Parameters<typeof sendJsonParts>[0]) => {
    if (request.method === 'GET') {
      sendJsonParts(response, await keeper.get());
      given++;
      return;
    }
    await keeper.put(await readPieces(request, LIMIT));
    saved++;
    response.end();
  };
  const server = createServer((request, response) => {
    answer(request as never, response as never).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', sender, String(port)], { stdio: 'inherit' });
  while (saved < 2 || given < 1) await sleep(20);
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
  return { saved, given, stalls_ms: spread(stalls), cpu_of_a_turn_ms: spread(turns) };
}

const worker = await measure(inWorker);
const control = await measure(onMainThread);
record('state-stall', {
  seconds: SECONDS,
  state_bytes: STATE_BYTES,
  every_ms: EVERY_MS,
  asked_back_every_ms: ASKED_EVERY_MS,
  in_worker: worker,
  on_main_thread: control,
});

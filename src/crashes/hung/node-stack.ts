import { readFileSync, readlinkSync } from 'node:fs';
import { request } from 'node:http';
import { basename } from 'node:path';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { sentenceOf } from '../../errors.ts';
import { frameSchema, stackOf } from './frames.ts';
import { isTaken, listeningPorts } from './resources.ts';

/*
 * The JavaScript stack of a Node process that does not answer. SIGUSR1 makes Node open its inspector on loopback;
 * a pause asked for there reaches a loop that never ends and a wait in Atomics.wait alike. It does not reach a call
 * that blocks outside of JavaScript (execSync, a read of a pipe): there the kernel's evidence must do.
 */

/** Where Node opens its inspector unless it was told otherwise. */
const USUAL_PORT = 9229;
const LOOK_AGAIN_MS = 5;
/** A pause that has not come by then comes when something is called: the process waits for events. */
const IDLE_AFTER_MS = 150;

export type NodeStack =
  | {
      /** As an error's stack shows it, innermost first: `at inner (/app/agent.js:7:3)`. Empty: it waits for events. */
      readonly frames: readonly string[];
      readonly heap: { readonly heap_used_mb: number; readonly heap_total_mb: number } | null;
      /** What keeps its loop alive, when it waits for events: `Timeout`, `TCPSocketWrap`. */
      readonly waitsFor: readonly string[];
    }
  | { readonly why: string };

/**
 * Certain that SIGUSR1 opens an inspector and does not kill: its program is Node, which catches the signal. A handler
 * of the program's own in its place does no harm: it is not run while the process hangs.
 */
export function isNode(pid: number): boolean {
  try {
    const program = basename(readlinkSync(`/proc/${pid}/exe`)).replace(/ \(deleted\)$/, '');
    if (program !== 'node' && program !== 'nodejs') return false;
    const [, caught = '0'] = /^SigCgt:\t([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
    return (BigInt(`0x${caught}`) >> BigInt(constants.signals.SIGUSR1 - 1)) % 2n === 1n;
  } catch {
    return false;
  }
}

/** @param signal aborted when there is no more time. Never rejects. */
export async function nodeStack(pid: number, signal: AbortSignal): Promise<NodeStack> {
  try {
    const url = await inspectorOf(pid, signal);
    return url === null ? { why: closed() } : await ask(url, signal);
  } catch (error) {
    return { why: signal.aborted ? 'its inspector did not answer in time' : sentenceOf(error) };
  }
}

const closed = (): string =>
  isTaken(USUAL_PORT)
    ? `it opened no inspector in time: port ${USUAL_PORT} is taken by another program`
    : 'it opened no inspector in time: it is blocked outside of JavaScript';

/** Null: there was no time for it to open. */
async function inspectorOf(pid: number, signal: AbortSignal): Promise<string | null> {
  const before = new Set(listeningPorts(pid));
  process.kill(pid, 'SIGUSR1');
  while (!signal.aborted) {
    const looked = performance.now();
    const ports = listeningPorts(pid).filter((port) => port === USUAL_PORT || !before.has(port));
    for (const port of ports) {
      const url = await debuggerUrl(port, signal).catch(() => undefined);
      if (url) return url;
    }
    // On a host with very many connections a look takes long: half of the time is left to others.
    await sleep(Math.max(LOOK_AGAIN_MS, performance.now() - looked));
  }
  return null;
}

/** Whoever answers may be the program itself: what it says must not end us. Undefined: no JSON. */
function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const targets = z.array(z.object({ webSocketDebuggerUrl: z.url() })).min(1);

function debuggerUrl(port: number, signal: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path: '/json/list', agent: false, signal }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.once('error', reject).once('end', () => {
        const found = targets.safeParse(jsonIn(body));
        resolve(found.data?.[0]?.webSocketDebuggerUrl);
      });
    });
    asked.once('error', reject).end();
  });
}

const messageSchema = z.object({
  id: z.number().optional(),
  method: z.string().optional(),
  params: z
    .object({
      callFrames: z.array(frameSchema).optional(),
      scriptId: z.string().optional(),
      url: z.string().optional(),
    })
    .optional(),
  result: z
    .object({
      usedSize: z.number().optional(),
      totalSize: z.number().optional(),
      result: z.object({ value: z.unknown() }).optional(),
    })
    .optional(),
});
type Message = z.output<typeof messageSchema>;

const MIB = 2 ** 20;
const mebibytes = (bytes: number | undefined): number => Math.round((bytes ?? 0) / MIB);

/** Pauses it, reads where it is, and lets it go on: what was asked of it ends with the connection. */
async function ask(url: string, signal: AbortSignal): Promise<NodeStack> {
  const socket = new WebSocket(url);
  const urls = new Map<string, string>();
  const paused = Promise.withResolvers<Message>();
  const answers = new Map<number, (message: Message) => void>();
  const failed = Promise.withResolvers<never>();
  const fail = (error: unknown) => failed.reject(error instanceof Error ? error : new Error(String(error)));
  failed.promise.catch(() => {});
  signal.addEventListener('abort', () => fail(signal.reason), { once: true });
  socket.addEventListener('error', () => fail(new Error('its inspector hung up')));
  socket.addEventListener('close', () => fail(new Error('its inspector hung up')));
  socket.addEventListener('message', ({ data }) => {
    const { data: message } = messageSchema.safeParse(jsonIn(String(data)));
    const { scriptId, url: script } = message?.params ?? {};
    if (scriptId !== undefined && script) urls.set(scriptId, script);
    if (message?.method === 'Debugger.paused') paused.resolve(message);
    else if (message?.id !== undefined) answers.get(message.id)?.(message);
  });
  let lastId = 0;
  const call = (method: string, params: object = {}): Promise<Message> =>
    new Promise((resolve) => {
      answers.set(++lastId, resolve);
      socket.send(JSON.stringify({ id: lastId, method, params }));
    });
  try {
    await Promise.race([failed.promise, new Promise((open) => socket.addEventListener('open', open, { once: true }))]);
    void call('Debugger.enable');
    const asked = call('Debugger.pause');
    const used = call('Runtime.getHeapUsage');
    await Promise.race([asked, failed.promise]);
    const found = await Promise.race([paused.promise, failed.promise, sleep(IDLE_AFTER_MS, null)]);
    const { result: { usedSize, totalSize } = {} } = await Promise.race([used, failed.promise]);
    const heap = { heap_used_mb: mebibytes(usedSize), heap_total_mb: mebibytes(totalSize) };
    if (found) {
      return { frames: stackOf(found.params?.callFrames ?? [], urls), heap, waitsFor: [] };
    }
    await Promise.race([call('Debugger.disable'), failed.promise]);
    const evaluated = call('Runtime.evaluate', { expression: 'process.getActiveResourcesInfo()', returnByValue: true });
    const { result } = await Promise.race([evaluated, failed.promise]);
    const resources = z.array(z.string()).safeParse(result?.result?.value);
    return { frames: [], heap, waitsFor: resources.data ?? [] };
  } finally {
    socket.close();
  }
}

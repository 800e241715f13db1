import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { closeServer } from '../support/close-server.ts';
import { tempFolder } from '../support/temp.ts';

/** Stripping the types of every file again would be most of the time that these tests take. */
const CACHE = join(tmpdir(), 'paramedic-compile-cache');
const MAIN = join(import.meta.dirname, '../../src/main.ts');

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly child: ChildProcess;
  /** What it has written to stdout and stderr so far. */
  readonly output: () => { stdout: string; stderr: string };
  readonly finished: Promise<Finished>;
}

/** Starts the real command line in a folder. */
export function start(args: readonly string[], cwd: string, env: Record<string, string> = {}): Started {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd,
    env: {
      PATH: process.env['PATH'],
      PARAMEDIC_TEST: process.env['PARAMEDIC_TEST'],
      NODE_COMPILE_CACHE: CACHE,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const finished = new Promise<Finished>((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
  onTestFinished(() => void child.kill('SIGKILL'));
  return { child, output: () => ({ stdout, stderr }), finished };
}

export const paramedic = (args: readonly string[], cwd: string, env?: Record<string, string>): Promise<Finished> =>
  start(args, cwd, env).finished;

/** A folder with this `paramedic.yaml`. */
export function project(yaml = ''): string {
  const folder = tempFolder();
  writeFileSync(join(folder, 'paramedic.yaml'), yaml);
  return folder;
}

export type Route = (request: IncomingMessage & { body: string }, response: ServerResponse) => void;

export const answer =
  (value: unknown, status = 200): Route =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': status < 400 ? 'application/json' : 'application/problem+json' });
    response.end(JSON.stringify(value));
  };

export const problem = (status: number, code: string, detail: string): Route =>
  answer({ type: `urn:paramedic:error:${code}`, title: 'x', status, detail, code }, status);

export const TOKEN = 'a'.repeat(64);

/** A folder whose daemon is an HTTP server of ours: `routes` by `METHOD /path`, all else is answered 404. */
export async function playDaemon(routes: Readonly<Record<string, Route>>, pid = process.pid): Promise<string> {
  const folder = project();
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      const path = (request.url ?? '').replace('/api/v1', '').split('?')[0];
      const route = routes[`${request.method} ${path}`] ?? problem(404, 'NOT_FOUND', `Nothing is served at ${path}.`);
      const allowed = request.headers.authorization === `Bearer ${TOKEN}`;
      (allowed ? route : problem(401, 'UNAUTHORIZED', 'No.'))(Object.assign(request, { body }), response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => closeServer(server));
  const { port } = server.address() as AddressInfo;
  mkdirSync(join(folder, '.paramedic/tokens'), { recursive: true });
  writeFileSync(join(folder, '.paramedic/tokens/api.token'), `${TOKEN}\n`);
  const file = { pid, address: `127.0.0.1:${port}`, url: `http://127.0.0.1:${port}`, started_at: '', version: '0.1.0' };
  writeFileSync(join(folder, '.paramedic/daemon.json'), JSON.stringify(file));
  return folder;
}

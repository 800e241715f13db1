import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { rmSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { closeServer } from './close-server.ts';
import { tempFolder, type Lifetime } from './temp.ts';

/**
 * Docker's Engine API for a machine without Docker, over a unix socket or TLS: the same paths, statuses and bodies, versions
 * outside its range are refused as by the real one, and containers are real processes.
 */
interface Container {
  readonly id: string;
  program: string;
  child: ChildProcess | null;
  exitCode: number;
  startedAt: string;
  oomKilled: boolean;
  error: string;
  tty: boolean;
  restarting: boolean;
  paused: boolean;
  health: { Status: string; Log: { Output: string }[] } | undefined;
  output: Buffer[];
  readonly waiting: Set<ServerResponse>;
  /** As the real one it does one thing after the other with a container. */
  starting: Promise<void>;
}

const NEVER = '0001-01-01T00:00:00Z';
let made = 0;

export class FakeDocker {
  readonly socket: string;
  readonly containers = new Map<string, Container>();
  /** `METHOD PATH` of all that was asked, without the version. */
  readonly asked: string[] = [];
  readonly versions = new Set<string>();
  apiVersion = '1.44';
  /** Answers nobody, answers something else, refuses. */
  mood: 'well' | 'slow' | 'garbage' | 'tls only' | 'denied' = 'well';
  /** Programs that end at once have ended before a start is answered. */
  quick = false;
  /** What a start waits for; whether somebody listens for its answer makes no difference. */
  hold: Promise<void> = Promise.resolve();
  readonly #tls: ServerOptions | undefined;
  #port = 0;
  #server: Server | null = null;

  /** @param tls how it is spoken to over TLS, at a port of loopback; otherwise it has a socket. */
  constructor(lifetime: Lifetime = onTestFinished, tls?: ServerOptions) {
    this.#tls = tls;
    this.socket = join(tempFolder(lifetime), 'docker.sock');
    lifetime(async () => {
      for (const container of this.containers.values()) container.child?.kill('SIGKILL');
      await this.away();
    });
  }

  get host(): string {
    return this.#tls ? `tcp://127.0.0.1:${this.#port}` : `unix://${this.socket}`;
  }

  async back(): Promise<void> {
    const answer = (request: IncomingMessage, response: ServerResponse) => void this.#answer(request, response);
    this.#server = this.#tls ? createTlsServer(this.#tls, answer) : createServer(answer);
    if (this.#tls) this.#server.listen(this.#port, '127.0.0.1');
    else this.#server.listen(this.socket);
    await once(this.#server, 'listening');
    if (this.#tls) this.#port = (this.#server.address() as AddressInfo).port;
  }

  async away(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    await closeServer(server);
    rmSync(this.socket, { force: true });
  }

  /** @param program lines for `sh`. */
  create(name: string, program: string): Container {
    const container: Container = {
      id: (++made).toString(16).padStart(64, '0'),
      program,
      child: null,
      exitCode: 0,
      startedAt: NEVER,
      oomKilled: false,
      error: '',
      tty: false,
      restarting: false,
      paused: false,
      health: undefined,
      output: [],
      waiting: new Set(),
      starting: Promise.resolve(),
    };
    this.containers.set(name, container);
    return container;
  }

  get(name: string): Container {
    const container = this.containers.get(name);
    if (!container) throw new Error(`no container ${name}`);
    return container;
  }

  runs(name: string): boolean {
    return this.get(name).child !== null;
  }

  async start(name: string): Promise<void> {
    const container = this.get(name);
    const child = spawn('/bin/sh', ['-c', container.program], { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    Object.assign(container, {
      child,
      startedAt: new Date().toISOString(),
      oomKilled: false,
      output: [],
      health: undefined,
    });
    const frame = (stream: number) => (text: Buffer) => {
      const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
      header.writeUInt32BE(text.length, 4);
      container.output.push(container.tty ? text : Buffer.concat([header, text]));
    };
    child.stdout.on('data', frame(1));
    child.stderr.on('data', frame(2));
    child.once('close', (code: number | null, signal: NodeJS.Signals | null) => {
      container.exitCode = signal ? 128 + constants.signals[signal] : (code ?? 0);
      container.child = null;
      for (const response of container.waiting) json(response, 200, { StatusCode: container.exitCode });
      container.waiting.clear();
    });
    const closed = once(child, 'close');
    await once(child, 'spawn');
    if (this.quick) await closed;
  }

  /** Somebody kills its process. */
  async kill(name: string): Promise<void> {
    const { child } = this.get(name);
    if (!child) return;
    const closed = once(child, 'close');
    this.#signal(child, 'SIGKILL');
    await closed;
  }

  #signal({ pid }: ChildProcess, signal: NodeJS.Signals): void {
    try {
      if (pid !== undefined) process.kill(-pid, signal);
    } catch {
      // It has gone meanwhile.
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', 'http://docker');
    if (this.mood === 'slow') return;
    if (this.mood === 'garbage') return void response.end('<html>It works!</html>');
    // The real one answers so by itself: Go's server looks at the first bytes.
    if (this.mood === 'tls only')
      return void response.writeHead(400).end('Client sent an HTTP request to an HTTPS server.\n');
    if (url.pathname === '/_ping') {
      response.setHeader('api-version', this.apiVersion);
      return void response.end('OK');
    }
    const [, version = '', path = ''] = /^\/v([\d.]+)(\/.*)$/.exec(url.pathname) ?? [];
    const newest = Number(this.apiVersion.split('.')[1]);
    if (Number(version.split('.')[1]) > newest)
      return json(response, 400, {
        message: `client version ${version} is too new. Maximum supported API version is ${this.apiVersion}`,
      });
    this.versions.add(version);
    this.asked.push(`${request.method} ${path}${url.search}`);
    const [, name = '', verb = ''] = /^\/containers\/([^/]+)\/(\w+)$/.exec(path) ?? [];
    const container = this.containers.get(name);
    if (!container) return json(response, 404, { message: `No such container: ${name}` });
    if (this.mood === 'denied' && request.method === 'POST')
      return json(response, 403, { message: 'authorization denied by plugin policy: not allowed' });
    await this.#act(name, verb, container, url, response);
  }

  async #act(name: string, verb: string, container: Container, url: URL, response: ServerResponse): Promise<void> {
    if (verb !== 'start') await container.starting;
    const { child } = container;
    switch (verb) {
      case 'json':
        return json(response, 200, this.#inspect(name, container));
      case 'start':
        if (child) return void response.writeHead(304).end();
        container.starting = this.hold.then(() => this.start(name));
        await container.starting;
        return void response.writeHead(204).end();
      case 'stop': {
        if (!child) return void response.writeHead(304).end();
        const closed = once(child, 'close');
        this.#signal(child, 'SIGTERM');
        const late = setTimeout(() => this.#signal(child, 'SIGKILL'), Number(url.searchParams.get('t')) * 1_000);
        await closed;
        clearTimeout(late);
        return void response.writeHead(204).end();
      }
      case 'kill':
        if (!child) return json(response, 409, { message: `container ${container.id} is not running` });
        this.#signal(child, 'SIGKILL');
        return void response.writeHead(204).end();
      case 'wait':
        if (!child) return json(response, 200, { StatusCode: container.exitCode });
        // The real one sends its headers at once as well.
        response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
        return void container.waiting.add(response);
      case 'stats':
        return json(response, 200, {
          cpu_stats: { cpu_usage: { total_usage: Math.round(performance.now() * 500_000) } },
          memory_stats: { usage: 3 * 2 ** 20, stats: { inactive_file: 2 ** 20 } },
          pids_stats: { current: 1 },
        });
      case 'logs':
        return void response.end(Buffer.concat(container.output));
      default:
        return json(response, 404, { message: 'page not found' });
    }
  }

  #inspect(
    name: string,
    { id, child, exitCode, startedAt, oomKilled, error, tty, restarting, paused, health }: Container,
  ) {
    const running = child !== null;
    return {
      Id: id,
      Name: `/${name}`,
      Config: { Tty: tty },
      State: {
        Status: restarting ? 'restarting' : running ? 'running' : startedAt === NEVER ? 'created' : 'exited',
        Running: running || restarting,
        Paused: paused,
        Restarting: restarting,
        OOMKilled: oomKilled,
        Dead: false,
        Pid: child?.pid ?? 0,
        ExitCode: running ? 0 : exitCode,
        Error: error,
        StartedAt: startedAt,
        ...(health && { Health: health }),
      },
    };
  }
}

function json(response: ServerResponse, status: number, body: unknown): void {
  if (!response.headersSent) response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

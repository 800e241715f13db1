import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { ComponentView, EventView, StatusView } from '../../src/supervisor/api.ts';
import { tempFolder, until, type Lifetime } from './temp.ts';

/*
 * A whole daemon for a test: the real command line on a real configuration, in a folder of its own, on a port of its
 * own. Whatever becomes of it, nothing is left when the test has finished.
 */

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts');

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command of the command line to its end. */
export function paramedic(
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Outcome> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: options.cwd,
    env: { ...process.env, NO_COLOR: '1', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const out = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (out.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (out.stderr += chunk.toString()));
  return new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal, ...out })));
}

/** One state folder with its configuration, over the lives of any number of daemons. */
export class Site {
  readonly folder: string;
  readonly file: string;
  readonly stateDir: string;
  readonly #main: string;
  #daemon: ChildProcess | null = null;
  output = '';

  /**
   * @param config as in a file; children inherit the mark by which a leak would be found.
   * @param lifetime `afterAll`, given at a file's top, lets the tests of a file share it.
   * @param main the command line to run; that of the source unless given.
   */
  constructor(config: Record<string, unknown>, lifetime: Lifetime = onTestFinished, main = MAIN) {
    this.#main = main;
    this.folder = tempFolder(lifetime);
    this.file = join(this.folder, 'paramedic.yaml');
    this.stateDir = join(this.folder, '.paramedic');
    this.configure(config);
    lifetime(() => this.clear());
  }

  configure(config: Record<string, unknown>): void {
    const defaults = { env_inherit: ['PATH', 'HOME', 'PARAMEDIC_TEST'], ...(config['defaults'] as object | undefined) };
    // Most stories are about one component and its neighbours: the whole system has stories of its own.
    const restart = { system_restart: false, ...(config['restart'] as object | undefined) };
    writeFileSync(this.file, JSON.stringify({ listen: '127.0.0.1:0', ...config, restart, defaults }, null, 2));
  }

  /** Writes a file beside the configuration, where components have their working folder. */
  write(name: string, content: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, content);
    return path;
  }

  /** Lets only this user read a file. */
  protect(name: string): void {
    chmodSync(join(this.folder, name), 0o600);
  }

  /** Writes a program. */
  executable(name: string, content: string): string {
    const path = this.write(name, content);
    chmodSync(path, 0o755);
    return path;
  }

  remove(name: string): void {
    rmSync(join(this.folder, name));
  }

  /** What a file beside the configuration holds; undefined: it is not there (yet). */
  read(name: string): string | undefined {
    const path = join(this.folder, name);
    return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  }

  get pid(): number {
    if (this.#daemon?.pid === undefined) throw new Error('no daemon runs');
    return this.#daemon.pid;
  }

  /** Starts a daemon and waits until it supervises. */
  async start(args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<void> {
    const child = this.launch(args, env);
    const isUp = async () => {
      if (child.exitCode !== null) throw new Error(`the daemon ended with ${child.exitCode}:\n${this.output}`);
      const said = existsSync(join(this.stateDir, 'daemon.json')) && this.#json().pid === child.pid;
      return said && (await this.#isReady());
    };
    await until('a daemon that supervises', isUp, 60_000);
  }

  /** Starts a daemon and does not wait. */
  launch(args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): ChildProcess {
    this.output = '';
    const child = spawn(process.execPath, [this.#main, 'start', '--config', this.file, ...args], {
      env: { ...process.env, NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    this.#daemon = child;
    return child;
  }

  /** Sends a signal to the daemon and waits for its end. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const ended = this.ended();
    this.#daemon?.kill(signal);
    return ended;
  }

  /** The exit code of the daemon, once it has ended; null: a signal ended it. */
  ended(): Promise<number | null> {
    const child = this.#daemon;
    if (!child || child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child?.exitCode ?? null);
    return new Promise((resolve) => child.once('exit', (code) => resolve(code)));
  }

  get url(): string {
    return this.#json().url;
  }

  get token(): string {
    return readFileSync(join(this.stateDir, 'tokens', 'api.token'), 'utf8').trim();
  }

  /** Asks the API; the body is parsed when it is JSON. */
  async api(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
    const answer = await fetch(`${this.url}/api/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: text === '' ? null : JSON.parse(text) };
  }

  async status(): Promise<StatusView> {
    return (await this.api('GET', 'status')).body as StatusView;
  }

  async component(name: string): Promise<ComponentView> {
    return (await this.api('GET', `components/${name}`)).body as ComponentView;
  }

  /** Waits until a component is in a state (and, if given, another life than before). */
  untilState(name: string, state: string, butNotPid?: number | null, timeoutMs = 30_000): Promise<ComponentView> {
    return until(
      `${name} to be ${state}`,
      async () => {
        const view = await this.component(name);
        return view.state === state && view.pid !== (butNotPid ?? undefined) && view;
      },
      timeoutMs,
    );
  }

  async events(type?: string): Promise<EventView[]> {
    const { events } = (await this.api('GET', 'events?follow=false&limit=1000')).body as { events: EventView[] };
    return type === undefined ? events : events.filter((event) => event.type === type);
  }

  async metrics(): Promise<string> {
    return (await fetch(`${this.url}/metrics`)).text();
  }

  /** Ends the daemon and everything of ours that still carries this site's token key. */
  async clear(): Promise<void> {
    if (this.#daemon && this.#daemon.exitCode === null && this.#daemon.signalCode === null) await this.end('SIGTERM');
    if (existsSync(join(this.stateDir, 'daemon.json')) && this.#daemon?.signalCode) {
      // It was killed: another daemon finds what it left behind, and stops it.
      await this.start().catch(() => undefined);
      await this.end('SIGTERM');
    }
  }

  #json(): { pid: number; url: string } {
    return JSON.parse(readFileSync(join(this.stateDir, 'daemon.json'), 'utf8')) as { pid: number; url: string };
  }

  async #isReady(): Promise<boolean> {
    try {
      return (await fetch(`${this.url}/readyz`)).ok;
    } catch {
      return false;
    }
  }
}

export const isAlive = (pid: number): boolean => {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
};

/** A component that runs a piece of JavaScript; `$PORT`-like values go through its environment. */
export const script = (code: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  command: [process.execPath, '-e', code],
  ...more,
});

/** A component that only sleeps. */
export const sleeper = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
  command: ['sleep', '1000'],
  ...more,
});

/** A component that speaks to the daemon through our own client; `line` is its connection. */
export const client = (code: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  command: [
    process.execPath,
    '--input-type=module',
    '-e',
    `import { connect } from '${join(import.meta.dirname, '..', '..', 'src', 'client', 'index.ts')}';
     const line = connect();
     ${code}`,
  ],
  ...more,
});

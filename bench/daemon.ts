import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { ComponentView, EventView } from '../src/supervisor/api.ts';
import { compiled, cpuSecondsOf, end, folder, run, until } from './harness.ts';

/** Any component is restarted whenever an alert `Wrong` asks for it. */
export const restartsByAlert = {
  rules: [
    {
      match: { alertname: 'Wrong' },
      action: { restart: { component: '{{ labels.component }}' } },
      cooldown: 0,
      max_per_hour: 1_000_000,
    },
  ],
};

/** What Alertmanager posts when `Wrong` fires for a component. */
const alertBody = (component: string, startsAt: Date) => ({
  version: '4',
  groupKey: 'bench',
  alerts: [
    {
      status: 'firing',
      labels: { alertname: 'Wrong', component },
      annotations: {},
      startsAt: startsAt.toISOString(),
      fingerprint: randomBytes(8).toString('hex'),
    },
  ],
});

/** Our compiled daemon on a folder of its own, killed and started again as often as a figure needs. */
export class Daemon {
  readonly #folder = folder();
  readonly home = this.#folder.path;
  readonly #file = join(this.home, 'paramedic.yaml');
  readonly stateDir = join(this.home, '.paramedic');
  #process: ChildProcess | null = null;

  constructor(config: Record<string, unknown>) {
    writeFileSync(this.#file, JSON.stringify({ listen: '127.0.0.1:0', ...config }));
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** Starts it and waits until it supervises. @returns when it was spawned, ms since 1970. */
  async start(): Promise<number> {
    const at = Date.now();
    this.#process = run([process.execPath, compiled(), 'start', '--config', this.#file]);
    for (let ready = false; !ready; ready = await this.#isReady()) await until('its address', () => this.#address());
    return at;
  }

  async kill(): Promise<void> {
    if (this.#process) await end(this.#process, 'SIGKILL');
  }

  /** Stops it with all its components and removes everything. */
  async remove(): Promise<void> {
    if (this.#process) await end(this.#process, 'SIGTERM');
    this.#folder.remove();
  }

  get<T>(path: string): Promise<T> {
    return this.#ask<T>(`api/v1/${path}`, 'api');
  }

  async metrics(): Promise<string> {
    return (await fetch(`${this.#address()}/metrics`)).text();
  }

  /** @param path below the address; @param token which of the daemon's tokens lets us in. */
  post<T>(path: string, token: 'api' | 'webhook', body: object): Promise<T> {
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    return this.#ask<T>(path, token, init);
  }

  /** Posts a new alert `Wrong` of this component, which began at `startsAt`. */
  alert(component: string, startsAt = new Date()): Promise<unknown> {
    return this.post('webhooks/alertmanager', 'webhook', alertBody(component, startsAt));
  }

  async #ask<T>(path: string, token: string, init: RequestInit = {}): Promise<T> {
    const secret = readFileSync(join(this.stateDir, 'tokens', `${token}.token`), 'utf8').trim();
    const headers = { ...(init.headers as Record<string, string> | undefined), authorization: `Bearer ${secret}` };
    const answer = await fetch(`${this.#address()}/${path}`, { ...init, headers });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }

  async components(): Promise<readonly ComponentView[]> {
    return (await this.get<{ components: ComponentView[] }>('components')).components;
  }

  component(name: string): Promise<ComponentView> {
    return this.get<ComponentView>(`components/${name}`);
  }

  async events(limit = 1_000): Promise<readonly EventView[]> {
    return (await this.get<{ events: EventView[] }>(`events?follow=false&limit=${limit}`)).events;
  }

  /** Waits until all of its components run. */
  async allRunning(stepMs = 20): Promise<readonly ComponentView[]> {
    for (;;) {
      const components = await this.components();
      if (components.every(({ state }) => state === 'running')) return components;
      await new Promise((resolve) => setTimeout(resolve, stepMs));
    }
  }

  /** Living processes that carry one of its components' tokens. */
  carriers(): number[] {
    return readdirSync('/proc').flatMap((pid) => {
      try {
        if (!/^\d+$/.test(pid) || readlinkSync(`/proc/${pid}/cwd`) !== this.home) return [];
        if (/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))) return [];
        return readFileSync(`/proc/${pid}/environ`, 'utf8').includes('PARAMEDIC_TOKEN=') ? [Number(pid)] : [];
      } catch {
        return [];
      }
    });
  }

  /** Seconds of CPU used so far, its threads included, its children not. */
  cpuSeconds(): number {
    return cpuSecondsOf(this.pid);
  }

  residentMiB(): number {
    const kib = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))?.[1];
    return Math.round(Number(kib) / 102.4) / 10;
  }

  /** One database of the state folder with its WAL. */
  bytesOf(database: string): number {
    const sizes = ['', '-wal'].map((suffix) => {
      const file = join(this.stateDir, 'db', database + suffix);
      return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    });
    return sizes.reduce((sum, size) => sum + size, 0);
  }

  /** What a database holds, in bytes, wherever it lies: a WAL is used again and again at the length that it has. */
  contentsOf(database: string): number {
    const db = new Database(join(this.stateDir, 'db', database), { readonly: true });
    try {
      const [pages, free, size] = ['page_count', 'freelist_count', 'page_size'].map((what) =>
        Number(db.pragma(what, { simple: true })),
      ) as [number, number, number];
      return (pages - free) * size;
    } finally {
      db.close();
    }
  }

  /** Files of a folder of the state folder, and their bytes. */
  usage(name: string): { files: number; mib: number } {
    const path = join(this.stateDir, name);
    const sizes = readdirSync(path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => statSync(join(entry.parentPath, entry.name)).size);
    return { files: sizes.length, mib: Math.round(sizes.reduce((sum, size) => sum + size, 0) / 2 ** 10 / 102.4) / 10 };
  }

  #address(): string | false {
    const file = join(this.stateDir, 'daemon.json');
    if (this.#process?.exitCode !== null) throw new Error('the daemon has ended');
    if (!existsSync(file)) return false;
    const { pid, url } = JSON.parse(readFileSync(file, 'utf8')) as { pid: number; url: string };
    return pid === this.pid && url;
  }

  async #isReady(): Promise<boolean> {
    return fetch(`${this.#address()}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
  }
}

import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect } from 'vitest';
import { alertmanager, prometheus, type Command } from './command.ts';
import type { Site } from './daemon.ts';
import { ALERTS } from './rules.ts';
import { until, type Lifetime } from './temp.ts';

/*
 * A real Prometheus and a real Alertmanager around a site, with the rules and configurations that we ship: all is as
 * it is shipped but for the addresses and the patience.
 */

/** A port that nobody listens on at this moment: neither program can choose one and say which. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

type Change = readonly [from: string | RegExp, to: string];

/** Copies a file of ours; a change that finds nothing to change is a mistake here. */
function ship(folder: string, name: string, changes: readonly Change[]): void {
  let text = readFileSync(join(ALERTS, name), 'utf8');
  for (const [from, to] of changes) {
    expect(text, name).toMatch(from);
    text = text.replaceAll(from, to);
  }
  writeFileSync(join(folder, name), text);
}

export interface Monitoring {
  /** The value of an instant query's only series; undefined: there is none. */
  query(expression: string): Promise<number | undefined>;
  /** The alerts that Alertmanager knows: name and component. */
  alerts(): Promise<string[]>;
}

/** Starts both beside a daemon that runs already; they end with `lifetime`. Resolves when scrapes come in. */
export async function startMonitoring(site: Site, lifetime: Lifetime): Promise<Monitoring> {
  const folder = join(site.folder, 'monitoring');
  mkdirSync(folder);
  const [ours, theirs] = [await freePort(), await freePort()];
  const { host } = new URL(site.url);
  ship(folder, 'paramedic.rules.yml', []);
  ship(folder, 'paramedic.alerts.yml', [[/^ +for: (1m|30s)\n/gm, '']]);
  ship(folder, 'prometheus.yml', [
    ['127.0.0.1:9477', host],
    ['127.0.0.1:9093', `127.0.0.1:${theirs}`],
    ['_interval: 15s', '_interval: 1s'],
  ]);
  ship(folder, 'alertmanager.yml', [
    ['127.0.0.1:9477', host],
    ['group_interval: 10s', 'group_interval: 1s'],
  ]);

  const run = ({ path }: Command, ...args: string[]): void => {
    const child = spawn(path, args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4_000)));
    const ended = new Promise((resolve) => child.once('close', resolve));
    lifetime(async () => {
      if (child.exitCode !== null) throw new Error(`${path} ended with ${child.exitCode}:\n${said}`);
      child.kill('SIGKILL');
      await ended;
    });
  };
  const ask = async <T>(port: number, path: string): Promise<T | undefined> => {
    try {
      const answer = await fetch(`http://127.0.0.1:${port}/${path}`);
      return answer.ok ? ((await answer.json()) as T) : undefined;
    } catch {
      return undefined;
    }
  };
  const query = async (expression: string): Promise<number | undefined> => {
    const path = `api/v1/query?query=${encodeURIComponent(expression)}`;
    const answer = await ask<{ data: { result: { value: [number, string] }[] } }>(ours, path);
    const [only] = answer?.data.result ?? [];
    return only && Number(only.value[1]);
  };

  const at = (port: number) => `--web.listen-address=127.0.0.1:${port}`;
  // Without a folder of its own each would go on with what Debian's own service, or another test, has stored.
  const kept = '--storage.path=alertmanager';
  run(alertmanager, '--config.file=alertmanager.yml', kept, '--cluster.listen-address=', at(theirs));
  await until('Alertmanager', async () => (await ask<object>(theirs, 'api/v2/status')) !== undefined, 60_000);
  // What fires before Prometheus has found its Alertmanager would be sent a minute later.
  const resend = '--rules.alert.resend-delay=1s';
  const tsdb = '--storage.tsdb.path=prometheus';
  run(prometheus, '--config.file=prometheus.yml', tsdb, '--enable-feature=exemplar-storage', resend, at(ours));
  await until('the first scrape', async () => (await query('up{job="paramedic"}')) === 1, 60_000);
  return {
    query,
    async alerts() {
      const known = await ask<{ labels: Record<string, string> }[]>(theirs, 'api/v2/alerts?active=true');
      return (known ?? []).map(({ labels: { alertname = '', component = '' } }) => `${alertname} ${component}`.trim());
    },
  };
}

import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { alertmanager, needs, prometheus, type Command } from '../support/command.ts';
import { Site, sleeper } from '../support/daemon.ts';
import { ALERTS } from '../support/rules.ts';
import { tempFolder, until } from '../support/temp.ts';

/* The whole loop with what we ship: a crash, Prometheus' alert, Alertmanager's webhook, our action. */

/** A port that nobody listens on at this moment. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Runs a server until the test has finished; what it says is shown when it ends before. */
function serve({ path }: Command, args: readonly string[], cwd: string): void {
  const child = spawn(path, args, { cwd, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise((resolve) => child.once('close', resolve));
  onTestFinished(async () => {
    if (child.exitCode !== null) throw new Error(`${path} ended with ${child.exitCode}:\n${said}`);
    child.kill('SIGKILL');
    await ended;
  });
}

describe('the bundle of alerts', () => {
  it('brings back a component that its own policy leaves down', { timeout: 60_000 }, async ({ skip }) => {
    needs(prometheus, skip);
    needs(alertmanager, skip);
    const site = new Site({
      components: { fragile: sleeper({ restart: { policy: 'manual_only' } }) },
      remediation: {
        rules: [
          {
            match: { alertname: 'ParamedicComponentDown' },
            action: { restart: { component: '{{ labels.component }}' } },
          },
        ],
      },
    });
    await site.start();

    // As shipped but for the addresses and the patience of people.
    const folder = tempFolder();
    mkdirSync(join(folder, 'tokens'));
    copyFileSync(join(site.stateDir, 'tokens/webhook.token'), join(folder, 'tokens/webhook.token'));
    const [ours, theirs] = [await freePort(), await freePort()];
    const host = new URL(site.url).host;
    const ship = (name: string, changes: readonly (readonly [string, string])[]) => {
      const shipped = readFileSync(join(ALERTS, name), 'utf8');
      for (const [from] of changes) expect(shipped, name).toContain(from);
      writeFileSync(
        join(folder, name),
        changes.reduce((text, [from, to]) => text.replaceAll(from, to), shipped),
      );
    };
    ship('paramedic.rules.yml', []);
    ship('paramedic.alerts.yml', [['for: 1m\n', 'for: 1s\n']]);
    ship('prometheus.yml', [
      ['127.0.0.1:9477', host],
      ['127.0.0.1:9093', `127.0.0.1:${theirs}`],
      ['_interval: 15s', '_interval: 1s'],
    ]);
    ship('alertmanager.yml', [
      ['127.0.0.1:9477', host],
      ['../.paramedic/', ''],
    ]);
    const at = (port: number) => `--web.listen-address=127.0.0.1:${port}`;
    serve(alertmanager, ['--config.file=alertmanager.yml', '--cluster.listen-address=', at(theirs)], folder);
    serve(prometheus, ['--config.file=prometheus.yml', at(ours)], folder);
    // What fires before Prometheus knows its Alertmanager is sent a minute later.
    const known = () => fetch(`http://127.0.0.1:${ours}/api/v1/alertmanagers`).then((answer) => answer.text());
    await until('Prometheus to know its Alertmanager', async () => /"url"/.test(await known().catch(String)), 20_000);

    const { pid } = await site.untilState('fragile', 'running');
    process.kill(pid!, 'SIGKILL');
    await site.untilState('fragile', 'stopped');
    await site.untilState('fragile', 'running', pid, 30_000);
    expect(await site.events('remediation.finished')).toMatchObject([
      { component: 'fragile', action: 'restart', outcome: 'success' },
    ]);
  });
});

import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Site } from '../support/daemon.ts';
import { until } from '../support/temp.ts';

const DIST = join(import.meta.dirname, '..', '..', 'dist');

/** Keeps a number in its state, one more at each life. */
const counting = `
  import { connect } from ${JSON.stringify(join(DIST, 'client', 'index.js'))};
  const paramedic = connect();
  const { state } = await paramedic.restore();
  await paramedic.saveState({ lives: (state?.lives ?? 0) + 1 });
  paramedic.startHeartbeat({ intervalMs: 100 });
  setInterval(() => {}, 1_000);
`;

// `npm test` builds before it tests; without a build there is nothing to tell of.
describe.runIf(existsSync(join(DIST, 'main.js')) || process.env['CI'])('what is published', () => {
  it('supervises, remembers over a kill and is measured, as the source does', async () => {
    const site = new Site(
      {
        components: {
          agent: {
            command: [process.execPath, '--input-type=module', '-e', counting],
            priority: 'critical',
            restart: { policy: 'immediate' },
            checks: { alive: { heartbeat: { timeout: '30s' }, interval: '200ms' } },
          },
        },
      },
      undefined,
      join(DIST, 'main.js'),
    );
    await site.start();
    const { pid } = await site.untilState('agent', 'running');
    process.kill(pid!, 'SIGKILL');
    await site.untilState('agent', 'running', pid);
    await until('the state of the second life', async () => {
      const { checkpoints } = (await site.api('GET', 'checkpoints?component=agent')).body as {
        checkpoints: { checkpoint_id: string }[];
      };
      if (checkpoints.length < 2) return false;
      const states = await Promise.all(
        checkpoints.map(({ checkpoint_id: id }) => site.api('GET', `checkpoints/${id}`)),
      );
      return JSON.stringify(states.map(({ body }) => (body as { state: unknown }).state)).includes('{"lives":2}');
    });
    expect(await site.metrics()).toContain(
      'paramedic_restarts_total{component="agent",reason="crash",outcome="success"} 1',
    );
    expect(await site.end()).toBe(0);
  });

  it('carries the licences of what it contains', () => {
    const text = readFileSync(join(DIST, 'LICENSES.txt'), 'utf8');
    for (const name of ['express', 'zod', 'prom-client', 'pino', 'yaml', 'commander', 'croner'])
      expect(text).toMatch(new RegExp(`^${name} \\d`, 'm'));
  });

  it('says its version', async () => {
    const child = spawn(process.execPath, [join(DIST, 'main.js'), '--version'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const text = await new Promise<string>((resolve) =>
      child.stdout.once('data', (data: Buffer) => resolve(data.toString().trim())),
    );
    const { version } = JSON.parse(readFileSync(join(DIST, '..', 'package.json'), 'utf8')) as { version: string };
    expect(text).toBe(version);
  });
});

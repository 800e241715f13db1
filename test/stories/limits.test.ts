import { describe, expect, it } from 'vitest';
import { script, Site, sleeper } from '../support/daemon.ts';

/** Two hundred megabytes, but only when it is told to, and once. */
const greedy = `
  const fs = require('node:fs');
  setInterval(() => {
    if (!fs.existsSync('eat')) return;
    fs.rmSync('eat');
    globalThis.eaten = Buffer.alloc(200 * 2 ** 20, 1);
  }, 20);
`;
const limited = (max_memory: string) => ({
  resources: { process: { max_memory }, interval: '100ms', failure_threshold: 1 },
});

describe('a limit of memory', () => {
  it('has the component that passes it restarted, and says by how much', async () => {
    const site = new Site({
      components: {
        greedy: script(greedy, { start: { period: 0 }, restart: { policy: 'immediate' }, checks: limited('150MiB') }),
      },
    });
    await site.start();
    const { pid } = await site.untilState('greedy', 'running');
    site.write('eat', '');
    const after = await site.untilState('greedy', 'running', pid);
    expect(after).toMatchObject({ restarts: 1, crashes: 0 });
    const [decided] = await site.events('restart.decided');
    expect(decided).toMatchObject({ reason: 'health' });
    const [tripped] = await site.events('check.tripped');
    expect(tripped!['message']).toMatch(/memory \d+ MiB above 150 MiB/);
  });

  it('is judged from the first moment on, also of a component that was adopted', async () => {
    const site = new Site({ components: { modest: sleeper({ checks: limited('50MiB') }) } });
    await site.start();
    const { pid } = await site.untilState('modest', 'running');
    await site.end('SIGKILL');
    await site.start();
    expect(await site.component('modest')).toMatchObject({ pid, adopted: true, restarts: 0 });
    const outcomes = (await site.events('check.changed')).map(({ to }) => to);
    expect(outcomes).not.toContain('unhealthy');
  });
});

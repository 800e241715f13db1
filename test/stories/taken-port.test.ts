import { spawn, spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { script, Site } from '../support/daemon.ts';
import { until } from '../support/temp.ts';

const hasPython = spawnSync('python3', ['--version']).status === 0;
const once = { policy: 'immediate', max_restarts: 1 };

describe.skipIf(process.platform !== 'linux')('a component whose port is taken', () => {
  // Somebody else's: nothing of ours knows of it.
  const holder = spawn(
    process.execPath,
    ['-e', `const s = require('node:net').createServer().listen(0, '127.0.0.1', () => console.log(s.address().port))`],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const site = new Site({}, afterAll);
  afterAll(() => void holder.kill('SIGKILL'));
  let taken: { port: number; pid: number; command: string[] };
  beforeAll(async () => {
    const port = Number(
      await new Promise((resolve) => holder.stdout.once('data', (text: Buffer) => resolve(String(text)))),
    );
    site.configure({
      components: {
        web: script(`require('node:net').createServer().listen(${port}, '127.0.0.1')`, { restart: once }),
        ...(hasPython && {
          api: { command: ['python3', '-m', 'http.server', '--bind', '127.0.0.1', String(port)], restart: once },
        }),
      },
    });
    await site.start();
    taken = { port, pid: holder.pid!, command: holder.spawnargs };
  });

  it.each(hasPython ? ['web', 'api'] : ['web'])(
    'is told whose it is, in its report and beside it: %s',
    async (name) => {
      const { found, crash } = await until('a report', async () =>
        (await site.events('crash.reported')).find(({ component }) => component === name),
      );
      expect(found).toContain(`port ${taken.port} is taken by process ${taken.pid} (${process.execPath} -e`);
      const report = (await site.api('GET', `crashes/${String(crash)}`)).body;
      expect(report).toMatchObject({ additional_context: { port_in_use: taken } });
    },
  );

  it('has its restarts as ever', async () => {
    await site.untilState('web', 'failed');
    const starts = (await site.events('component.starting')).filter(({ component }) => component === 'web');
    expect(starts).toHaveLength(2);
  });
});

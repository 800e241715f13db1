import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { client, script, Site, sleeper } from '../support/daemon.ts';
import { until } from '../support/temp.ts';

const PROMTOOL = '/usr/bin/promtool';
const missing = !existsSync(PROMTOOL) && process.env['CI'] !== 'true';

describe('the metrics of a daemon that has lived', () => {
  it('are clean for promtool, and no counter ever falls', async ({ skip }) => {
    skip(missing, `${PROMTOOL} is not there: apt-get install prometheus`);
    const eager = { policy: 'immediate', max_restarts: 3 };
    const site = new Site({
      host: { checks: { disk: { process: { name: 'no-such-program' }, interval: '200ms', action: 'none' } } },
      components: {
        killed: sleeper({ priority: 'critical', restart: eager }),
        failing: script('process.exit(1)', { priority: 'critical', restart: eager }),
        missing: { command: ['no-such-program'], restart: { ...eager, policy: 'no_restart' } },
        held: sleeper(),
        off: sleeper({ enabled: false }),
        waiting: sleeper({ depends_on: ['failing'] }),
        sick: sleeper({
          start: { period: 0 },
          restart: eager,
          checks: { well: { command: { command: ['test', '-e', 'well'] }, interval: '200ms', action: 'none' } },
        }),
        remembers: client(
          `line.startHeartbeat({ intervalMs: 200, beat: () => ({ progress: 1, metrics: { queue_depth: 3, temperature: -1.5 } }) });
           await line.restore(); await line.saveState({ a: 1 }); await line.journal('did', {});
           setInterval(() => {}, 1e6);`,
          { checks: { alive: { heartbeat: {} } } },
        ),
      },
    });
    site.write('well', '');
    await site.start();
    await site.untilState('failing', 'failed');
    await site.untilState('sick', 'running');
    site.remove('well');
    await site.untilState('sick', 'unhealthy');
    const { pid } = await site.untilState('killed', 'running');
    process.kill(pid!, 'SIGKILL');
    await site.untilState('killed', 'running', pid);
    await site.api('POST', 'components/held/stop');
    await until('its own figures', async () => (await site.metrics()).includes('name="queue_depth"'));
    await until('a checkpoint', async () => (await site.events('checkpoint.written')).length > 0);

    const first = await site.metrics();
    const judged = spawnSync(PROMTOOL, ['check', 'metrics'], { input: first, encoding: 'utf8' });
    expect(judged.stdout + judged.stderr).toBe('');
    expect(judged.status).toBe(0);

    await site.api('POST', 'components/killed/restart');
    await site.api('POST', 'reload');
    const second = new Map(counters(await site.metrics()));
    for (const [series, value] of counters(first))
      expect(second.get(series) ?? -1, series).toBeGreaterThanOrEqual(value);
  });
});

/** Each series of a counter with its value. */
function counters(text: string): [string, number][] {
  const names = new Set([...text.matchAll(/^# TYPE (\S+) counter$/gm)].map(([, name]) => name));
  return [...text.matchAll(/^([a-z_]+)(\{.*\})? (\S+)$/gm)].flatMap(([, name, labels, value]) =>
    names.has(name) ? [[`${name}${labels ?? ''}`, Number(value)] as [string, number]] : [],
  );
}

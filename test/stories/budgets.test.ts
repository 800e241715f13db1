import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { script, Site, sleeper } from '../support/daemon.ts';
import { until } from '../support/temp.ts';

const eager = { policy: 'immediate', max_restarts: 1_000 };
const dies = 'process.exit(1)';

async function kill(site: Site, name: string, again = true): Promise<void> {
  const { pid } = await site.untilState(name, 'running');
  process.kill(pid!, 'SIGKILL');
  if (again) await site.untilState(name, 'running', pid);
}

describe('the budget of the host', () => {
  const site = new Site(
    {
      restart: { max_restarts_per_hour: 2 },
      components: {
        mail: sleeper({ priority: 'high', restart: eager }),
        core: sleeper({ priority: 'critical', restart: eager }),
      },
    },
    afterAll,
  );
  beforeAll(() => site.start());

  it('is not used up by what a person asks for', async () => {
    for (let i = 0; i < 3; i++)
      expect(await site.api('POST', 'components/mail/restart')).toMatchObject({ status: 200 });
    expect((await site.status()).restarts_last_hour).toBe(0);
    expect((await site.component('mail')).restart_budget.used).toBe(0);
  });

  it('lets a component wait once it is used up, and says until when and why', async () => {
    await kill(site, 'mail');
    await kill(site, 'mail');
    await kill(site, 'mail', false);
    const view = await site.untilState('mail', 'backoff');
    expect(view.why).toContain('max_restarts_per_hour: 2');
    expect(Date.parse(view.next_start_at!) - Date.now()).toBeGreaterThan(3_500_000);
    expect((await site.events('restart.decided')).filter(({ counted }) => counted)).toHaveLength(3);
  });

  it('does not hold back what is critical', async () => {
    await kill(site, 'core');
    await kill(site, 'core');
    expect(await site.component('core')).toMatchObject({ state: 'running', restarts: 2 });
    expect((await site.component('mail')).state).toBe('backoff');
  });

  it('does not hold back a person', async () => {
    expect(await site.api('POST', 'components/mail/start')).toMatchObject({ status: 200 });
    expect(await site.component('mail')).toMatchObject({ state: 'running', why: '' });
  });
});

describe('the budget of a component', () => {
  it('is used up by crashes before it was ready and after alike', async () => {
    const site = new Site({
      components: {
        mail: script('setTimeout(() => process.exit(1), Math.random() < 0.5 ? 0 : 400)', {
          priority: 'critical',
          restart: { policy: 'immediate', max_restarts: 3 },
        }),
      },
    });
    await site.start();
    const view = await site.untilState('mail', 'failed');
    expect(view.why).toContain('budget of 3 is used up; last: unknown, exit_1');
    expect(view.restart_budget).toMatchObject({ used: 3, limit: 3 });
    expect(await site.events('component.starting')).toHaveLength(4);
  });

  it('is fresh after a person has started what had failed', async () => {
    const site = new Site({
      components: {
        mail: script(`if (!require('node:fs').existsSync('well')) ${dies}; setInterval(() => {}, 1e6)`, {
          priority: 'critical',
          restart: { policy: 'immediate', max_restarts: 2 },
        }),
      },
    });
    await site.start();
    await site.untilState('mail', 'failed');
    site.write('well', '');
    expect(await site.api('POST', 'components/mail/start')).toMatchObject({ status: 200 });
    expect((await site.component('mail')).restart_budget.used).toBe(0);
    await kill(site, 'mail');
    await kill(site, 'mail');
    await kill(site, 'mail', false);
    await site.untilState('mail', 'failed');
  });

  it('counts the same after a long time of health as before it', async () => {
    // The health lasts longer than the window: whatever was good before is no credit.
    const site = new Site({
      components: {
        mail: {
          command: ['sh', '-c', 'while [ ! -e broken ]; do sleep 0.05; done; exit 1'],
          priority: 'critical',
          start: { period: '100ms' },
          restart: { policy: 'immediate', max_restarts: 3, restart_window: '5s' },
        },
      },
    });
    await site.start();
    const { pid } = await site.untilState('mail', 'running');
    await until('more than a window of health', async () => {
      return ((await site.component('mail')).uptime_seconds ?? 0) > 5.5;
    });
    expect(await site.component('mail')).toMatchObject({ state: 'running', pid, restarts: 0 });
    site.write('broken', '');
    const view = await site.untilState('mail', 'failed');
    expect(view.why).toContain('budget of 3 is used up');
    expect(await site.events('component.starting')).toHaveLength(1 + 3);
  });

  it('counts on over the death of the daemon', async () => {
    const site = new Site({
      components: { mail: sleeper({ priority: 'critical', restart: { policy: 'immediate', max_restarts: 2 } }) },
    });
    await site.start();
    await kill(site, 'mail');
    await site.end('SIGKILL');
    await site.start();
    expect((await site.component('mail')).restart_budget.used).toBe(1);
    await kill(site, 'mail');
    await kill(site, 'mail', false);
    await site.untilState('mail', 'failed');
  });
});

describe('what waits for a recovery of higher priority', () => {
  it('is started when that has ended', async () => {
    const site = new Site({
      components: {
        core: script(
          `const fs = require('node:fs');
           fs.writeFileSync('core-' + process.pid, '');
           setInterval(() => {}, 1e6)`,
          {
            priority: 'high',
            restart: eager,
            start: { timeout: '30s' },
            checks: { well: { command: { command: ['test', '-e', 'core-well'] }, interval: '1h' } },
          },
        ),
        mail: sleeper({ priority: 'medium', restart: eager }),
      },
    });
    site.write('core-well', '');
    await site.start();
    await site.untilState('mail', 'running');
    const core = await site.untilState('core', 'running');
    site.remove('core-well');
    process.kill(core.pid!, 'SIGKILL');
    await site.untilState('core', 'starting', core.pid);
    await kill(site, 'mail', false);
    expect((await site.untilState('mail', 'backoff')).why).toContain('higher priority');
    site.write('core-well', '');
    await site.untilState('mail', 'running');
    expect((await site.component('core')).state).toBe('running');
    await until('both recoveries', async () => (await site.events('recovery.finished')).length === 2);
  });
});

import { describe, expect, it } from 'vitest';
import { isAlive, Site, sleeper } from '../support/daemon.ts';
import { until } from '../support/temp.ts';

const eager = { policy: 'immediate', max_restarts: 1_000 };

describe('a component that is killed', () => {
  it('comes back as a new process, is reported, counted and told', async () => {
    const site = new Site({ components: { mail: sleeper({ priority: 'critical', restart: eager }) } });
    await site.start();
    const before = await site.untilState('mail', 'running');
    process.kill(before.pid!, 'SIGKILL');
    const after = await site.untilState('mail', 'running', before.pid);

    expect(after).toMatchObject({ restarts: 1, crashes: 1, health: 'healthy' });
    const crash = await until('the crash report', async () => {
      const { crashes } = (await site.api('GET', 'crashes')).body as {
        crashes: { report: string | null; crash_id: string }[];
      };
      return crashes[0]?.report ? crashes[0] : undefined;
    });
    expect(crash).toMatchObject({ component: 'mail', type: 'external_termination', signal: 'SIGKILL' });
    const metrics = await site.metrics();
    expect(metrics).toContain(
      'paramedic_crashes_total{component="mail",type="external_termination",error_type="SIGKILL"} 1',
    );
    expect(metrics).toContain('paramedic_restarts_total{component="mail",reason="crash",outcome="success"} 1');
    expect(metrics).toContain('paramedic_component_up{component="mail"} 1');
    expect(await site.end()).toBe(0);
    expect(isAlive(after.pid!)).toBe(false);
  });
});

describe('a component that dies at once, for ever', () => {
  it('is started exactly as often as its budget says, then has failed, until a person starts it', async () => {
    const site = new Site({
      restart: { max_restarts_per_hour: 1_000 },
      components: { loop: { command: ['false'], restart: { policy: 'immediate', max_restarts: 4 } } },
    });
    await site.start();
    const failed = await site.untilState('loop', 'failed');
    expect(failed.why).toContain('budget of 4 is used up');
    expect((await site.events('component.starting')).length).toBe(5);
    expect((await site.events('component.failed')).length).toBe(1);

    const refused = await site.api('POST', 'components/loop/start');
    expect(refused).toMatchObject({ status: 502, body: { code: 'ACTION_FAILED' } });
    await site.untilState('loop', 'failed');
    expect((await site.events('component.starting')).length).toBe(10);
  });
});

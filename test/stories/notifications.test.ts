import { describe, expect, it } from 'vitest';
import { Receiver, signed } from '../notifiers/receiver.ts';
import { Site, sleeper } from '../support/daemon.ts';
import { until } from '../support/temp.ts';

describe('notifications', () => {
  it('tell of components that are given up, and that their incidents are critical', async () => {
    const hook = new Receiver();
    await hook.come();
    const restart = { policy: 'immediate', max_restarts: 1, notify_on_restart: false };
    const site = new Site({
      notifications: { webhooks: [{ url: hook.url, on: ['failed', 'incident.critical'] }] },
      components: {
        flap: { command: [process.execPath, '-e', 'process.exit(3)'], priority: 'low', restart },
        // An incident of high severity until nobody tries any more.
        broken: { command: ['./no-such-program'], priority: 'low', restart },
      },
    });
    await site.start();
    const told = (name: string) => hook.taken.map(({ body }) => body).filter(({ component }) => component === name);
    await until('both to be told of', () => hook.taken.length >= 4);
    for (const name of ['flap', 'broken']) {
      expect(await site.component(name)).toMatchObject({ state: 'failed' });
      const failed = told(name).find(({ kind }) => kind === 'failed');
      expect(failed).toMatchObject({ severity: 'critical', message: expect.stringContaining('1 restart') as string });
      expect(new Set(told(name).map((body) => body.incident_id))).toEqual(new Set([failed?.incident_id]));
    }
    expect(told('flap').map(({ kind, severity }) => [kind, severity])).toEqual([
      ['incident.opened', 'critical'],
      ['failed', 'critical'],
    ]);
    expect(told('broken').map(({ kind, severity }) => [kind, severity])).toEqual([
      ['failed', 'critical'],
      ['incident.updated', 'critical'],
    ]);
  });

  it('wait on disk while their receiver is away, over the death of the daemon, and arrive in order and once', async () => {
    const hook = new Receiver();
    await hook.come();
    await hook.leave();
    const webhook = { url: hook.url, on: ['crash', 'failed', 'restart'], secret: '${HOOK_SECRET}' };
    const quiet = { restart: { policy: 'immediate', notify_on_restart: false } };
    const site = new Site({
      notifications: { webhooks: [webhook], fold: '1h' },
      components: {
        flap: {
          command: [process.execPath, '-e', 'console.error("Error: lost " + process.env.API_TOKEN); process.exit(3)'],
          env: { API_TOKEN: 'hush-hush-hush' },
          restart: { policy: 'immediate', max_restarts: 2, notify_on_restart: false },
        },
        calm: { ...sleeper(), restart: { policy: 'immediate' } },
        mute: { ...sleeper(), ...quiet },
      },
    });
    const env = { HOOK_SECRET: 'not-for-everybody' };
    await site.start([], env);
    await site.untilState('flap', 'failed');
    const log = () => site.read('.paramedic/logs/paramedic.log') ?? '';
    await until('the daemon to find it away', () => log().includes('does not take notifications'));
    expect(log()).not.toMatch(/secret-path|not-for-everybody/);
    await site.end('SIGKILL');

    await hook.come();
    await site.start([], env);
    await until('what has waited', () => hook.taken.length >= 2);
    expect(hook.taken.map(({ body }) => [body.kind, body.component])).toEqual([
      ['crash', 'flap'],
      ['failed', 'flap'],
    ]);
    const [first] = hook.taken;
    expect(first?.headers['x-paramedic-signature']).toBe(first && signed('not-for-everybody', first));
    expect(first?.body.report).toMatchObject({ crash_id: first?.body.crash_id, component: 'flap' });
    expect(first?.text).not.toContain('hush-hush');

    const delivered = (count: number) =>
      until(`${count} to be counted`, async () =>
        (await site.metrics()).includes(`paramedic_telemetry_items_exported_total{sink="webhook"} ${count}\n`),
      );
    await delivered(2);

    const mute = await site.untilState('mute', 'running');
    process.kill(mute.pid ?? 0, 'SIGKILL');
    await site.untilState('mute', 'running', mute.pid);
    const calm = await site.untilState('calm', 'running');
    process.kill(calm.pid ?? 0, 'SIGKILL');
    await until('the crashes and the restart', () => hook.taken.length >= 5);
    expect(hook.taken.slice(2).map(({ body }) => [body.kind, body.component])).toEqual([
      ['crash', 'mute'],
      ['crash', 'calm'],
      ['restart', 'calm'],
    ]);
    expect(new Set(hook.ids).size).toBe(5);
    await delivered(5);

    // A target that is new hears of what comes, not of what was.
    const other = new Receiver();
    await other.come();
    site.configure({
      notifications: { webhooks: [{ url: other.url, on: ['incident.high'] }] },
      components: { calm: { ...sleeper(), restart: { policy: 'immediate' } } },
    });
    expect((await site.api('POST', 'reload')).status).toBeLessThan(300);
    const again = await site.untilState('calm', 'running');
    process.kill(again.pid ?? 0, 'SIGKILL');
    const told = await until('the new target to be told', () => other.taken[0]);
    expect(told.body).toMatchObject({ kind: 'incident.opened', component: 'calm', severity: 'critical' });
    expect(told.body.incident_id).toMatch(/^[0-9a-f]{32}$/);
    expect(hook.taken).toHaveLength(5);
  }, 60_000);
});

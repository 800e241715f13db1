import { describe, expect, it } from 'vitest';
import type { ExplainView } from '../../src/supervisor/api.ts';
import { Site } from '../support/daemon.ts';
import { until } from '../support/temp.ts';

const LONG = 120_000;
const eager = { policy: 'immediate', max_restarts: 2 };
const core = {
  command: ['sh', '-c', 'test -e broken && exit 3; exec sleep 1000'],
  priority: 'critical',
  restart: eager,
};
/** What it holds breaks the core; it lets go of it when it is stopped. */
const holder = (leaves = '') => ({
  command: ['sh', '-c', `trap '${leaves} rm -f broken; exit 0' TERM; while :; do sleep 0.05; done`],
  priority: 'high',
});
const all = { restart: { system_restart: true } };

async function breakCore(site: Site): Promise<void> {
  const { pid } = await site.untilState('core', 'running');
  site.write('broken', '');
  process.kill(pid!, 'SIGKILL');
}

describe('a critical component that is given up', () => {
  it('has the whole system restarted in recovery mode, once', { timeout: LONG }, async () => {
    const site = new Site({ ...all, components: { holder: holder(), core } });
    await site.start();
    const before = await site.untilState('holder', 'running');
    await breakCore(site);
    await until('the end of it', async () => (await site.events('system.restarted')).length === 1, LONG);
    await site.untilState('core', 'running');
    const after = await site.untilState('holder', 'running', before.pid);
    expect(await site.events('system.restarting')).toMatchObject([{ cause: 'core' }]);
    expect((await site.status()).recovery_mode).toBe(true);
    expect((await site.component('core')).restart_budget.used).toBe(0);
    const seqs = async (type: string, name: string) =>
      (await site.events(type)).filter(({ component }) => component === name).map(({ seq }) => seq!);
    expect((await seqs('component.ready', 'core')).at(-1)!).toBeLessThan(
      (await seqs('component.starting', 'holder')).at(-1)!,
    );

    // Within the hour it does not come again: the others are left in peace.
    await breakCore(site);
    await site.untilState('core', 'failed', undefined, LONG);
    const explained = (await site.api('GET', 'components/core/explain')).body as ExplainView;
    expect(explained.sentence).not.toContain('whole system');
    expect((await site.component('holder')).pid).toBe(after.pid);
    expect(await site.events('system.restarting')).toHaveLength(1);
  });

  it('has it finished by the next daemon when this one dies in between', { timeout: LONG }, async () => {
    const site = new Site({ ...all, components: { holder: holder('sleep 2;'), core } });
    await site.start();
    const before = await site.untilState('holder', 'running');
    await breakCore(site);
    await site.untilState('holder', 'stopping', undefined, LONG);
    await site.end('SIGKILL');
    await site.start();
    await until('the end of it', async () => (await site.events('system.restarted')).length === 1, LONG);
    expect(await site.events('system.restarted')).toMatchObject([{ outcome: 'done' }]);
    await site.untilState('core', 'running');
    await site.untilState('holder', 'running', before.pid);
    expect(await site.events('system.restarting')).toHaveLength(1);
    expect(await site.events('degradation.level_changed')).toMatchObject([{ from: 'full', to: 'minimal' }]);
  });

  it('says so beforehand', async () => {
    const none = { ...core, restart: { ...eager, max_restarts: 0 } };
    const site = new Site({ ...all, components: { holder: holder(), core: none } });
    await site.start();
    await site.untilState('core', 'running');
    await site.untilState('holder', 'running');
    const explained = (await site.api('GET', 'components/core/explain')).body as ExplainView;
    expect(explained.sentence).toContain('The whole system would be restarted in recovery mode.');
  });

  it('(control) stays down when that is not allowed', { timeout: LONG }, async () => {
    const site = new Site({ components: { holder: holder(), core } });
    await site.start();
    const before = await site.untilState('holder', 'running');
    await breakCore(site);
    await site.untilState('core', 'failed', undefined, LONG);
    expect((await site.component('holder')).pid).toBe(before.pid);
    expect(await site.events('system.restarting')).toEqual([]);
  });
});

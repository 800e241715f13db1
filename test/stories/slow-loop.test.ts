import { describe, expect, it } from 'vitest';
import type { ExplainView } from '../../src/supervisor/api.ts';
import { script, Site } from '../support/daemon.ts';
import { until } from '../support/temp.ts';

const LONG = 60_000;
/** Crashes a while after each start, always alike: never twice within its short window. */
const loops = (more: Record<string, unknown> = {}) =>
  script(`setTimeout(() => { throw new Error('again') }, 1_200)`, {
    priority: 'critical',
    restart: { policy: 'immediate', max_restarts: 2, restart_window: '1s', ...more },
  });
const crashesOf = async (site: Site) => (await site.component('mail')).crashes;

describe('a component that crashes alike again and again, each time within its budget', () => {
  it(
    'is given up, counted over the death of the daemon, and starts afresh for a person',
    { timeout: LONG },
    async () => {
      const site = new Site({ components: { mail: loops({ slow_loop_after: 4 }) } });
      await site.start();
      await until('two crashes', async () => (await crashesOf(site)) === 2);
      const explained = (await site.api('GET', 'components/mail/explain')).body as ExplainView;
      expect(explained).toMatchObject({ slow_loop: { used: 2, limit: 4 }, if_it_crashed_now: { kind: 'restart' } });
      await site.end('SIGKILL');
      await site.start();
      const view = await site.untilState('mail', 'failed', undefined, 20_000);
      expect(view.why).toContain('4 times within 24 h: slow_loop_after is 4; last: unhandled_exception, Error');
      expect(await site.events('component.failed')).toMatchObject([{ rule: 'slow_loop' }]);
      expect(await site.metrics()).toContain('paramedic_restart_escalations_total{component="mail"} 1');
      const failed = (await site.api('GET', 'components/mail/explain')).body as ExplainView;
      expect(failed.if_it_crashed_now).toMatchObject({ kind: 'fail', rule: 'slow_loop' });

      expect(await site.api('POST', 'components/mail/start')).toMatchObject({ status: 200 });
      const again = (await site.api('GET', 'components/mail/explain')).body as ExplainView;
      expect(again).toMatchObject({ slow_loop: { used: 0 }, if_it_crashed_now: { kind: 'restart' } });
    },
  );

  it('(control) without the rule goes on for ever', { timeout: LONG }, async () => {
    const site = new Site({ components: { mail: loops({ slow_loop_after: 0 }) } });
    await site.start();
    await until('more crashes than any rule allows', async () => (await crashesOf(site)) >= 6, LONG);
    expect((await site.component('mail')).state).not.toBe('failed');
  });
});

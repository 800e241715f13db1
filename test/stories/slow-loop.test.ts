import { describe, expect, it } from 'vitest';
import type { ExplainView } from '../../src/supervisor/api.ts';
import { script, Site } from '../support/daemon.ts';
import { until } from '../support/temp.ts';

const LONG = 120_000;
/** Crashes when it is told to and has lived for a while, always alike: never twice within its short window. */
const loops = (more: Record<string, unknown> = {}) =>
  script(
    `const fs = require('node:fs');
     const end = () => { if (!fs.existsSync('go')) return; fs.rmSync('go'); throw new Error('again'); };
     setTimeout(() => setInterval(end, 10), 1_200);`,
    {
      priority: 'critical',
      restart: { policy: 'immediate', max_restarts: 2, restart_window: '1s', ...more },
    },
  );
const crashesOf = async (site: Site) => (await site.component('mail')).crashes;

/** Has it crash once more, and waits until that is known. */
async function crash(site: Site): Promise<void> {
  const before = await crashesOf(site);
  site.write('go', '');
  await until('a crash', async () => (await crashesOf(site)) === before + 1);
}

describe('a component that crashes alike again and again, each time within its budget', () => {
  it(
    'is given up, counted over the death of the daemon, and starts afresh for a person',
    { timeout: LONG },
    async () => {
      const site = new Site({ components: { mail: loops({ slow_loop_after: 4 }) } });
      await site.start();
      await crash(site);
      await crash(site);
      const explained = (await site.api('GET', 'components/mail/explain')).body as ExplainView;
      expect(explained).toMatchObject({ slow_loop: { used: 2, limit: 4 }, if_it_crashed_now: { kind: 'restart' } });
      await site.end('SIGKILL');
      await site.start();
      await crash(site);
      await crash(site);
      const view = await site.untilState('mail', 'failed');
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
    for (let crashes = 0; crashes < 6; crashes++) await crash(site);
    expect((await site.component('mail')).state).not.toBe('failed');
  });
});

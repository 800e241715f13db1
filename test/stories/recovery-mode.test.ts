import { describe, expect, it } from 'vitest';
import { script, Site, sleeper } from '../support/daemon.ts';
import { until } from '../support/temp.ts';

const tells = (name: string) =>
  script(
    `require('node:fs').writeFileSync('mode-of-${name}', process.env.PARAMEDIC_RECOVERY_MODE + '\\n'); setInterval(() => {}, 1e6)`,
  );
const gated = (file: string) => ({ well: { command: { command: ['test', '-e', file] }, interval: '1h' } });

describe('recovery mode', () => {
  it('starts what is needed most, then the others, and tells each of them', async () => {
    const site = new Site({
      degradation: {
        recover_after: '1s',
        thresholds: { cpu_warning: 10, cpu_critical: 10, memory_warning: 10, memory_critical: 10 },
      },
      components: {
        extra: { ...tells('extra'), priority: 'high' },
        core: { ...tells('core'), priority: 'critical', checks: gated('core-is-well') },
        memory: { ...tells('memory'), minimal_recovery: true },
        spare: sleeper({ priority: 'critical', minimal_recovery: false }),
        off: sleeper({ priority: 'critical', enabled: false }),
      },
    });
    await site.start(['--recovery-mode']);
    await site.untilState('memory', 'running');
    await site.untilState('core', 'starting');
    for (const name of ['extra', 'spare'])
      expect(await site.component(name)).toMatchObject({ state: 'stopped', why: 'waiting for core' });
    expect(await site.status()).toMatchObject({ recovery_mode: true, level: 'minimal' });

    site.write('core-is-well', '');
    for (const name of ['core', 'extra', 'spare']) await site.untilState(name, 'running');
    for (const name of ['core', 'memory', 'extra'])
      expect(await until('its note', () => site.read(`mode-of-${name}`))).toBe('1\n');

    await until('the level full', async () => (await site.status()).level === 'full');

    // Once over, it does not come back with the next trouble of one of the first.
    const core = await site.component('core');
    site.remove('core-is-well');
    process.kill(core.pid!, 'SIGKILL');
    expect(await site.api('POST', 'components/extra/restart')).toMatchObject({ status: 200 });
  });

  it('holds nobody up when no component is needed most, and is off unless asked for', async () => {
    const site = new Site({ components: { mail: tells('mail') } });
    await site.start(['--recovery-mode']);
    await site.untilState('mail', 'running');
    await site.end();
    await site.start();
    await until('a normal start', () => site.read('mode-of-mail') === '0\n');
    expect((await site.status()).recovery_mode).toBe(false);
  });
});

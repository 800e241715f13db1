import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isAlive, paramedic, script, Site } from '../support/daemon.ts';
import { until } from '../support/temp.ts';

it('has its files before anything starts: the first of many sees those of the last, but of none that is off', async () => {
  const logs = '.paramedic/logs';
  const first = {
    ...script(`require('fs').writeFileSync('seen', require('fs').readdirSync('${logs}').join(' '));
    setInterval(() => {}, 1e6);`),
    checks: { seen: { command: { command: ['test', '-f', 'seen'] }, interval: '1s' } },
  };
  const off = script('setInterval(() => {}, 1e6)', { enabled: false });
  const last = script(`console.log('here'); setInterval(() => {}, 1e6);`, { depends_on: ['first'] });
  const site = new Site({ components: { first, off, last } });
  await site.start();
  await site.untilState('last', 'running');
  const seen = readFileSync(join(site.folder, 'seen'), 'utf8').split(' ');
  expect(seen.filter((name) => !name.includes('.')).toSorted()).toEqual(['first', 'last']);
  await until('a word', () => readFileSync(join(site.folder, logs, 'last', 'stdout.log'), 'utf8') === 'here\n');
});

describe('output that was rotated', () => {
  it.each([true, false])('is still shown, as far as it is asked for (gzip: %s)', async (gzip) => {
    const talker = script(
      `for (let i = 1; i <= 20; i++) console.log('line é ' + i);
       const fs = require('node:fs');
       const timer = setInterval(() => { if (fs.existsSync('go')) { clearInterval(timer); console.log('late'); } }, 10);
       setInterval(() => {}, 1e6);`,
      { logs: { max_size: '150B', keep: 2, gzip } },
    );
    const site = new Site({ components: { talker } });
    await site.start();
    const file = join(site.stateDir, 'logs', 'talker', 'stdout.log');
    const copy = `${file}.1${gzip ? '.gz' : ''}`;
    await until('a copy and an empty file', () => existsSync(copy) && statSync(file).size === 0);
    const shown = async (...options: string[]) => {
      const { stdout } = await paramedic(['logs', 'talker', '--config', site.file, ...options]);
      return stdout.replaceAll('out | ', '').trim().split('\n');
    };
    const all = Array.from({ length: 20 }, (_, i) => `line é ${i + 1}`);
    expect(await shown()).toEqual(all);
    writeFileSync(join(site.folder, 'go'), '');
    await until('a late line', () => statSync(file).size > 0);
    expect(await shown()).toEqual([...all, 'late']);
    expect(await shown('-n', '3')).toEqual(['line é 19', 'line é 20', 'late']);
    expect(await shown('-n', '1')).toEqual(['late']);
  });

  it.runIf(process.getuid?.() === 0)(
    'belongs to the user that its component was restarted as, and that one is adopted like any other',
    async () => {
      const site = new Site({ components: { talker: script('setInterval(() => {}, 1e6)') } });
      await site.start();
      const before = await site.untilState('talker', 'running');
      site.configure({ components: { talker: { command: ['sleep', '1000'], cwd: '/', user: 'nobody', nice: 3 } } });
      expect(await site.api('POST', 'reload')).toMatchObject({ status: 200 });
      const after = await site.untilState('talker', 'running', before.pid);
      const uid = () => statSync(`/proc/${after.pid}`).uid;
      await until('another user', () => uid() === 65_534);
      expect(statSync(join(site.stateDir, 'logs', 'talker', 'stdout.log')).uid).toBe(65_534);

      await site.end('SIGKILL');
      await site.start();
      expect(await site.untilState('talker', 'running')).toMatchObject({ pid: after.pid, adopted: true });
      expect(await site.api('POST', 'components/talker/stop')).toMatchObject({ status: 200 });
      expect(isAlive(after.pid!)).toBe(false);
    },
  );
});

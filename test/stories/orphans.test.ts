import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Site } from '../support/daemon.ts';
import { until } from '../support/temp.ts';

/*
 * Whatever a component puts into the world, however it hides it: when its life is over nothing of it is left in /proc.
 * What is told from other processes is their working folder, which is read for each, not their environment.
 */

const eager = { policy: 'immediate', max_restarts: 1_000 };

/** Ways to get away, each a program that tells when it is on its way. */
const ways = {
  'forks twice, so that init becomes its parent': `(sh -c 'echo $$ > away.$1; exec sleep 1000' sh "$1" &)`,
  'begins a session of its own': `setsid sh -c 'echo $$ > away.$1; sleep 1000 & exec sleep 1000' sh "$1" &`,
  'does both, and ignores all requests to end': `
    (setsid sh -c 'trap "" TERM HUP INT QUIT; echo $$ > away.$1; while :; do sleep 0.1; done' sh "$1" &)`,
  'starts its successor and ends, again and again, each in another session': `(setsid ./relay "$1" &)`,
  'starts more and more': `(setsid ./brood "$1" &)`,
  'is stopped and hears nothing': `(setsid sh -c 'echo $$ > away.$1; kill -STOP $$; sleep 1000' sh "$1" &)`,
};

function siteOf(way: string, end: string, more: Record<string, unknown> = {}): Site {
  const site = new Site({
    restart: { max_restarts_per_hour: 1_000 },
    components: { rogue: { command: ['./rogue'], ...more } },
  });
  // Each life is told from the next by its own number.
  site.executable(
    'rogue',
    `#!/bin/sh\nset -- $$; echo $$ >> lives; ${way}\nuntil [ -e "away.$1" ]; do sleep 0.01; done; ${end}\n`,
  );
  site.executable('relay', '#!/bin/sh\n: > "away.$1"; sleep 0.02; setsid ./relay "$1" &\n');
  site.executable(
    'brood',
    '#!/bin/sh\n: > "away.$1"; for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.01; sleep 1000 & done; sleep 1000\n',
  );
  return site;
}

/** Living processes in the site's folder, whoever their parents are. */
function living(site: Site): string[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== site.pid)
    .flatMap((pid) => {
      try {
        if (readlinkSync(`/proc/${pid}/cwd`) !== site.folder) return [];
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        return /\) [ZX] /.test(stat) ? [] : [`${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'latin1')}`];
      } catch {
        return [];
      }
    });
}

const lives = (site: Site): string[] => (site.read('lives') ?? '').split('\n').filter(Boolean);
/** What lives of one life: it has that life's number among its arguments. */
const isOf = (site: Site, life: string) => living(site).filter((line) => line.split(/\0/).includes(life));
const isAway = (site: Site, life: string | undefined): boolean => existsSync(`${site.folder}/away.${life}`);

describe.each(Object.entries(ways))('a component that %s', (_, way) => {
  it('leaves nothing behind when it is stopped', async () => {
    const site = siteOf(way, 'exec sleep 1000');
    await site.start();
    await until('its getting away', () => isAway(site, lives(site)[0]));
    await site.untilState('rogue', 'running');
    expect(living(site).length).toBeGreaterThan(1);
    expect(await site.api('POST', 'components/rogue/stop')).toMatchObject({ status: 200 });
    expect(living(site)).toEqual([]);
    expect(await site.end()).toBe(0);
  });

  it('leaves nothing behind when it crashes, nor when it is restarted', async () => {
    const site = siteOf(way, 'exec sleep 1000', { restart: eager });
    await site.start();
    const { pid } = await site.untilState('rogue', 'running');
    const [first = ''] = await until('its getting away', () => isAway(site, lives(site)[0]) && lives(site));
    process.kill(pid!, 'SIGKILL');
    await site.untilState('rogue', 'running', pid);
    const [, second = ''] = await until('its getting away again', () => isAway(site, lives(site)[1]) && lives(site));
    await until('the end of the first life', () => isOf(site, first).length === 0);
    expect(await site.api('POST', 'components/rogue/restart')).toMatchObject({ status: 200 });
    expect(isOf(site, second)).toEqual([]);
    await until('its getting away once more', () => isAway(site, lives(site)[2]));
    expect(await site.end()).toBe(0);
    expect(living(site)).toEqual([]);
  });

  it('leaves nothing behind when it never became ready', async () => {
    const site = siteOf(way, 'exec sleep 1000', {
      start: { timeout: '700ms' },
      restart: eager,
      checks: { never: { command: { command: ['false'] }, interval: '1h' } },
    });
    await site.start();
    // One that was too slow to get away within its time has a next life to do it in.
    const life = await until('its getting away', () => lives(site).find((each) => isAway(site, each)));
    await until('the end of that life', () => isOf(site, life).length === 0);
    await until('its next life', () => lives(site).at(-1) !== life);
    expect(await site.api('POST', 'components/rogue/stop')).toMatchObject({ status: 200 });
    expect(living(site)).toEqual([]);
    expect(await site.end()).toBe(0);
  });

  it('leaves nothing behind when it ends by itself just before the daemon does', async () => {
    const site = siteOf(way, 'exit 0', { restart: { policy: 'no_restart' } });
    await site.start();
    await until('its getting away', () => isAway(site, lives(site)[0]));
    expect(await site.end()).toBe(0);
    expect(living(site)).toEqual([]);
  });
});

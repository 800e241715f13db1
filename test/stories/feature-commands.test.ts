import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isAlive, paramedic, Site, sleeper } from '../support/daemon.ts';
import { until } from '../support/temp.ts';

/** Both commands write down that they begin; the first hangs, with a process of its own. */
const hangs = 'echo off >> ran; sleep 1000 & echo $$ > group; echo $! > sleeping; wait';
const site = new Site(
  {
    degradation: {
      features: {
        speech: {
          priority: 'low',
          on_disable: { command: ['sh', '-c', hangs], timeout: '1h' },
          on_enable: { command: ['sh', '-c', 'echo on >> ran'] },
        },
      },
    },
    components: { idle: sleeper() },
  },
  afterAll,
);
const degrade = async (level: string) =>
  expect((await paramedic(['degrade', level, '--config', site.file])).code).toBe(0);
const untilRan = (words: string) => until(words, () => site.read('ran') === words.replaceAll(' ', '\n') + '\n');
const pidIn = (name: string) => until(`a pid in ${name}`, () => Number(site.read(name)) || undefined);
const finished = async () =>
  (await site.events('degradation.command_finished')).map(({ outcome }) => outcome as string);

afterAll(() => {
  try {
    process.kill(-Number(site.read('group')), 'SIGKILL');
  } catch {
    // It has ended, as it should.
  }
});

describe('a command of a feature that tells a secret', () => {
  it('is told of without it, in the events and in the log', async () => {
    const secret = 'hunter2-of-no-shape';
    const site = new Site({
      telemetry: { log: { file: true } },
      degradation: {
        features: { voice: { on_disable: { command: ['sh', '-c', 'echo it says ${OF_NO_NAME}; exit 3'] } } },
      },
      components: { idle: sleeper() },
    });
    await site.start([], { OF_NO_NAME: secret });
    expect((await paramedic(['degrade', 'minimal', '--config', site.file])).code).toBe(0);
    const [ended] = await until('its end', async () => {
      const events = await site.events('degradation.command_finished');
      return events.length > 0 && events;
    });
    expect(ended).toMatchObject({ why: 'it ended with 3', output: 'it says ***' });
    const log = await until('a line of it', () => {
      const text = readFileSync(join(site.stateDir, 'logs', 'paramedic.log'), 'utf8');
      return text.includes('on_disable of voice failed') && text;
    });
    expect(log).not.toContain(secret);
  });
});

describe('a command of a feature that hangs', () => {
  beforeAll(() => site.start());

  it('ends with the daemon that is stopped', async () => {
    await degrade('reduced');
    await untilRan('off');
    const pids = [await pidIn('group'), await pidIn('sleeping')];
    expect(pids.map(isAlive)).toEqual([true, true]);
    expect(await site.end('SIGTERM')).toBe(0);
    expect(pids.map(isAlive)).toEqual([false, false]);
    site.remove('group');
    site.remove('sleeping');
  });

  it('is run anew by the next one, which knows that it was ended', async () => {
    await site.start();
    await untilRan('off off');
    expect(await finished()).toEqual(['cancelled']);
  });

  it('does not have the switch forgotten that waits for it when the daemon is killed', async () => {
    await degrade('auto');
    const left = await pidIn('group');
    await site.end('SIGKILL');
    process.kill(-left, 'SIGKILL');
    await site.start();
    await untilRan('off off on');
    expect(await until('its end', async () => (await finished()).length === 2 && finished())).toEqual([
      'cancelled',
      'success',
    ]);
  });
});

import { describe, expect, it } from 'vitest';
import type { ExplainView } from '../../src/supervisor/api.ts';
import { client, Site } from '../support/daemon.ts';
import { speakerOf } from '../support/speaker.ts';
import { until } from '../support/temp.ts';

const LONG = 120_000;
/** Cannot live with what it is given when that is `bad`; notes what it was given. */
const planner = (more: { state?: object; restart?: object } = {}) =>
  client(
    `import { appendFileSync } from 'node:fs';
     const { state, journal } = await line.restore();
     appendFileSync('given', JSON.stringify([state, journal.map(({ data }) => data)]) + '\\n');
     if (state === 'bad') throw new Error('this cannot be');
     setInterval(() => {}, 1e6);`,
    { ...more, restart: { policy: 'immediate', max_restarts: 4, ...more.restart } },
  );
const givenAt = (site: Site): unknown[] =>
  (site.read('given') ?? '')
    .split('\n')
    .filter((text) => text !== '')
    .map((text): unknown => JSON.parse(text));

/** Saves a good state, then a bad one, with steps in between, and dies by another's hand. */
async function poison(site: Site): Promise<{ good: string; bad: string }> {
  await until('its first life', () => givenAt(site).length === 1);
  const { pid } = await site.untilState('planner', 'running');
  const say = speakerOf(site, pid!);
  await say('POST', 'journal', { operation: 'step', data: 1 });
  const good = await say('PUT', 'state', { state: 'good', through: 1 });
  await say('POST', 'journal', { operation: 'step', data: 2 });
  const bad = await say('PUT', 'state', { state: 'bad', through: 2 });
  await say('POST', 'journal', { operation: 'step', data: 3 });
  process.kill(pid!, 'SIGKILL');
  return { good: String(good.body['checkpoint_id']), bad: String(bad.body['checkpoint_id']) };
}

const well = async (site: Site, lives: number) => {
  await until('its next lives', () => givenAt(site).length >= lives, LONG);
  return site.untilState('planner', 'running', undefined, LONG);
};

describe('a checkpoint that makes a component crash', () => {
  it('is passed over after the second time, for the one before with the journal since', { timeout: LONG }, async () => {
    const site = new Site({ components: { planner: planner() } });
    await site.start();
    const { good, bad } = await poison(site);
    expect(await well(site, 4)).toMatchObject({ crashes: 3, restarts: 3 });
    expect(givenAt(site)).toEqual([
      [null, []],
      ['bad', [3]],
      ['bad', [3]],
      ['good', [2, 3]],
    ]);
    expect(await site.events('checkpoint.restored')).toMatchObject([
      { checkpoint: bad, source: 'latest' },
      { checkpoint: bad, source: 'latest' },
      { checkpoint: good, source: 'previous', entries_replayed: 2 },
    ]);
    const explained = (await site.api('GET', 'components/planner/explain')).body as ExplainView;
    expect(explained.poisoned_checkpoints).toEqual([bad]);

    // What it saves from now on is in no doubt.
    const { pid } = await site.component('planner');
    await speakerOf(site, pid!)('PUT', 'state', { state: 'better', through: 3 });
    process.kill(pid!, 'SIGKILL');
    await until('its next life', () => givenAt(site).length === 5);
    expect(givenAt(site).at(-1)).toEqual(['better', []]);
  });

  it('is remembered over the death of the daemon, between the two crashes and after', { timeout: LONG }, async () => {
    const restart = { policy: 'delayed', initial_delay: '2s', jitter: 0 };
    const site = new Site({ components: { planner: planner({ restart }) } });
    await site.start();
    const { bad } = await poison(site);
    await until('its second life', () => givenAt(site).length === 2);
    await until('its first crash', async () => (await site.component('planner')).crashes === 2);
    await site.end('SIGKILL');
    await site.start();
    const { pid } = await well(site, 4);
    expect(givenAt(site).slice(1)).toEqual([
      ['bad', [3]],
      ['bad', [3]],
      ['good', [2, 3]],
    ]);
    await site.end('SIGKILL');
    await site.start();
    process.kill(pid!, 'SIGKILL');
    await well(site, 5);
    expect(givenAt(site).at(-1)).toEqual(['good', [2, 3]]);
    const explained = (await site.api('GET', 'components/planner/explain')).body as ExplainView;
    expect(explained.poisoned_checkpoints).toEqual([bad]);
  });

  it('(control) without the rule makes it fail', { timeout: LONG }, async () => {
    const site = new Site({ components: { planner: planner({ state: { poisoned_after: 0 } }) } });
    await site.start();
    await poison(site);
    const view = await site.untilState('planner', 'failed', undefined, LONG);
    expect(view.why).toContain('budget of 4 is used up');
    expect(givenAt(site).slice(1)).toEqual(Array.from({ length: 4 }, () => ['bad', [3]]));
  });
});

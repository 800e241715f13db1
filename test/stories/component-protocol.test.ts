import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Site } from '../support/daemon.ts';
import { until } from '../support/temp.ts';

const root = join(import.meta.dirname, '..', '..');
const contracts = join(root, 'test', 'contracts');
const languages = {
  javascript: { command: [process.execPath, join(contracts, 'conforming.ts')], env: {} },
  python: {
    command: ['python3', '-B', join(contracts, 'conforming.py')],
    env: { PYTHONPATH: join(root, 'examples', 'python') },
  },
};

const config = {
  restart: { max_restarts_per_hour: 1_000 },
  breakers: { model: { failure_threshold: 2, recovery_timeout: '1h' } },
  // Nobody reads how the machine is: the level is the test's.
  degradation: { interval: '1h', features: { voice: { priority: 'low', fallback: { message: 'text only' } } } },
  components: Object.fromEntries(
    Object.entries(languages).flatMap(([name, { command, env }]) => {
      const own = {
        restart: { policy: 'immediate', max_restarts: 1_000 },
        checks: { alive: { heartbeat: { timeout: '60s' } } },
      };
      return [
        [name, { command, env, ...own }],
        [`${name}_inside`, { parent: name, ...own }],
      ];
    }),
  ),
};

/** One contract for the clients of all languages: each runs the same component against a real daemon. */
const site = new Site(config, afterAll);
beforeAll(() => site.start());

const notes = (name: string, kind: string): string[] =>
  (site.read(`${name}.${kind}`) ?? '').trim().split('\n').filter(Boolean);
const newest = (name: string, kind: string): number => Number(notes(name, kind).at(-1) ?? 0);
/** It listens a moment after it runs. */
const checkpointOf = (name: string) =>
  until(`a checkpoint of ${name}`, async () => {
    const { status, body } = await site.api('POST', 'checkpoints', { component: name });
    if (status !== 200) return undefined;
    const { checkpoint_id: id } = body as { checkpoint_id: string };
    return (await site.api('GET', `checkpoints/${id}`)).body as { state: number; through: number };
  });

describe.each(Object.keys(languages))('a component in %s', (name) => {
  it('is verified by its heartbeat, which tells how it is', async () => {
    await site.untilState(name, 'running');
    await until('its metric', async () =>
      new RegExp(`paramedic_component_metric\\{component="${name}",name="count"\\} [1-9]`).test(await site.metrics()),
    );
  });

  it('gives its state when it is asked for, with all that was acknowledged and nothing more', async () => {
    const { state, through } = await checkpointOf(name);
    expect(state).toBeGreaterThan(0);
    await until('its number', () => notes(name, 'acknowledged')[state - 1] !== undefined);
    expect(Number(notes(name, 'acknowledged')[state - 1])).toBe(through);
  });

  it('forgets nothing that was acknowledged when it is killed', async () => {
    const { pid } = await site.component(name);
    process.kill(pid!, 'SIGKILL');
    await until('another life', () => notes(name, 'restored').length === 2);
    await site.untilState(name, 'running', pid);
    const noted = notes(name, 'acknowledged').length;
    const { state } = await checkpointOf(name);
    expect(newest(name, 'restored')).toBeGreaterThan(1);
    expect(state).toBeGreaterThanOrEqual(noted);
    // Of each life one entry may have been stored whose number it has not yet noted down.
    expect(state).toBeLessThanOrEqual(notes(name, 'acknowledged').length + 2);
  });

  it('calls through a breaker, hears when it opens, and does without', async () => {
    site.write(`${name}.call`, '');
    await until('the fallback', () => notes(name, 'called').includes('fallback'));
    site.remove(`${name}.call`);
    await until('the news', () => notes(name, 'news').includes('model open'));
    expect(await site.api('POST', 'breakers/model/reset')).toMatchObject({ status: 200 });
    await until('better news', () => notes(name, 'news').at(-1) === 'model closed');
    expect(notes(name, 'called')).toContain('failed');
  });

  it('begins anew inside its process when it is told to', async () => {
    await site.untilState(`${name}_inside`, 'running');
    expect(await site.api('POST', `components/${name}_inside/restart`)).toMatchObject({ status: 200 });
    expect(notes(name, 'inside')).toEqual(['restart']);
  });

  it('tells what it dies of', async () => {
    const { pid } = await site.component(name);
    site.write(`${name}.die`, '');
    await site.untilState(name, 'running', pid);
    const report = await until('its report', async () => {
      const { crashes } = (await site.api('GET', `crashes?component=${name}`)).body as {
        crashes: { report: string | null; crash_id: string; type: string }[];
      };
      const told = crashes.find(({ type, report: file }) => type === 'unhandled_exception' && file);
      return told ? (await site.api('GET', `crashes/${told.crash_id}`)).body : undefined;
    });
    expect(report).toMatchObject({ exception_type: 'NoAnswer', exception_message: 'cannot go on' });
  });

  it('goes on when the daemon was killed and comes back', async () => {
    const { pid } = await site.component(name);
    await site.end('SIGKILL');
    const before = notes(name, 'acknowledged').length;
    await site.start();
    await until('it goes on', () => notes(name, 'acknowledged').length > before + 1);
    expect(await site.component(name)).toMatchObject({ pid, adopted: true });
    await checkpointOf(name);
  });

  it('does without what is given up, and hears of it whatever becomes of the daemon', async () => {
    const spoken = (what: string) => until(`it to say ${what}`, () => notes(name, 'spoken').at(-1) === what);
    const degrade = async (level: string) =>
      expect(await site.api('PUT', 'degradation', { level })).toMatchObject({ status: 200 });
    await spoken('full aloud');
    await degrade('reduced');
    await spoken('reduced text only');
    const told = notes(name, 'spoken').length;
    const { pid } = await site.component(name);
    await site.end('SIGKILL');
    await site.start();
    await checkpointOf(name);
    await degrade('minimal');
    await spoken('minimal text only');
    expect(notes(name, 'spoken')).toHaveLength(told + 1);

    // While no daemon was there, the feature has become one that is kept.
    await site.end('SIGKILL');
    site.configure({ ...config, degradation: { interval: '1h', features: { voice: { priority: 'critical' } } } });
    await site.start();
    await spoken('minimal aloud');
    site.configure(config);
    expect(await site.api('POST', 'reload')).toMatchObject({ status: 200 });
    await spoken('minimal text only');
    await degrade('auto');
    await spoken('full aloud');
    expect(await site.component(name)).toMatchObject({ pid, adopted: true });
  });

  it('continues from what an older version of it has saved, and saves it in its own shape', async () => {
    const { state: before } = await checkpointOf(name);
    const lifeIn = async (shape: 'grown' | 'strict') => {
      const { pid } = await site.component(name);
      site.write(`${name}.${shape}`, '');
      process.kill(pid!, 'SIGKILL');
      await site.untilState(name, 'running', pid);
    };
    await lifeIn('grown');
    expect(newest(name, 'restored')).toBeGreaterThanOrEqual(before);
    expect(notes(name, 'versions').at(-1)).toBe('1 2');
    expect(await checkpointOf(name)).toMatchObject({ state: { count: expect.any(Number) }, schema_version: 2 });

    site.remove(`${name}.grown`);
    await lifeIn('strict');
    await until('its refusals', () => notes(name, 'refused').length === 3);
    expect(notes(name, 'refused')).toEqual(['SCHEMA_NEWER', 'SCHEMA_NEWER', 'SCHEMA_NEWER']);
    const counted = newest(name, 'restored');
    await lifeIn('grown');
    await until('a life that can read it', () => newest(name, 'restored') > counted);
    expect(notes(name, 'refused')).toHaveLength(3);
  });

  it('leaves when it is told to, with its last state saved', async () => {
    await checkpointOf(name);
    expect(await site.api('POST', `components/${name}/stop`)).toMatchObject({ status: 200 });
    const stopped = (await site.events('component.stopped')).findLast(({ component }) => component === name);
    expect(stopped).toMatchObject({ forced: false });
    expect(notes(name, 'left')).toEqual(['it was asked to stop']);
    const { checkpoints } = (await site.api('GET', `checkpoints?component=${name}`)).body as {
      checkpoints: { checkpoint_id: string; trigger: string }[];
    };
    const last = await site.api('GET', `checkpoints/${checkpoints[0]?.checkpoint_id}`);
    expect(last.body).toMatchObject({ trigger: 'interval' });
  });
});

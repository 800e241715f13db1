import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { paramedic, Site, sleeper } from '../support/daemon.ts';
import { speakerOf } from '../support/speaker.ts';

const LONG = 240_000;
const CANARY = 'canary-in-the-state';
const fresh = () => randomBytes(32).toString('hex');

/** All files of a state folder that hold a text. */
const filesWith = (site: Site, text: string): string[] =>
  readdirSync(site.stateDir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => readFileSync(file).includes(text));

/** Has a component save and journal, and be refused something. */
async function save(site: Site): Promise<void> {
  const { pid } = await site.untilState('planner', 'running');
  const say = speakerOf(site, pid!);
  await say('POST', 'journal', { operation: CANARY, data: CANARY });
  const saved = await say('PUT', 'state', { state: { text: CANARY }, through: 1 });
  expect(saved.status).toBe(200);
  expect(await say('PUT', 'state', `{"state": ${CANARY}`)).toMatchObject({ status: 400 });
  const base = saved.body['checkpoint_id'];
  const operations = [{ op: 'remove', path: `/${CANARY}` }];
  expect(await say('PATCH', 'state', { base, operations, through: 1 })).toMatchObject({ status: 400 });
}

async function stateOf(site: Site): Promise<unknown> {
  const { pid } = await site.untilState('planner', 'running');
  return (await speakerOf(site, pid!)('GET', 'state')).body['state'];
}

describe('a daemon with a key for its state', () => {
  it('starts with that key only, and has lost nothing by the starts that were refused', { timeout: LONG }, async () => {
    const key = fresh();
    const components = { planner: sleeper() };
    const site = new Site({ components, state_encryption: { key: '${STATE_KEY}' } });
    await site.start([], { STATE_KEY: key });
    await save(site);
    const { pid } = await site.untilState('planner', 'running');
    expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).not.toContain(key);
    expect(filesWith(site, key)).toEqual([]);
    expect(filesWith(site, CANARY)).toEqual([]);
    await site.end('SIGKILL');
    const before = readFileSync(join(site.stateDir, 'daemon.json'), 'utf8');

    const start = (...args: string[]) => ({
      args: ['start', '--config', site.file, ...args],
      env: {} as Record<string, string>,
    });
    const runs = [
      { ...start(), says: /state_encryption\.key: the environment variable STATE_KEY is not set$/ },
      { ...start('--detach'), says: /state_encryption\.key: the environment variable STATE_KEY is not set$/ },
      {
        ...start(),
        env: { STATE_KEY: fresh() },
        says: /state\.db is encrypted with the key \w{16}, and only \w{16} is/,
      },
      {
        ...start('--detach'),
        env: { STATE_KEY: fresh() },
        says: /state\.db is encrypted with the key \w{16}, and only/,
      },
      { args: ['config', 'check', '--config', site.file], env: {}, says: /variable STATE_KEY is not set$/ },
    ];
    for (const { args, env, says } of runs) {
      const { code, stderr, stdout } = await paramedic(args, { env });
      expect({ args, code, stdout }).toEqual({ args, code: 2, stdout: '' });
      expect(stderr.trimEnd().split('\n')).toEqual([expect.stringMatching(says)]);
    }
    site.configure({ components });
    const { code, stderr } = await paramedic(['start', '--config', site.file]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^[^\n]*state\.db is encrypted with the key \w{16}, and none is configured: [^\n]*\n$/);
    expect(readFileSync(join(site.stateDir, 'daemon.json'), 'utf8')).toBe(before);

    site.configure({ components, state_encryption: { key: '${file:state.key}' } });
    site.write('state.key', `${key}\n`);
    site.protect('state.key');
    await site.start();
    expect(await stateOf(site)).toEqual({ text: CANARY });
    expect(await site.events('checkpoint.corrupted')).toEqual([]);
    expect(await site.events('checkpoint.lost')).toEqual([]);
    expect(await site.events('store.set_aside')).toEqual([]);
    expect(await site.events('daemon.started')).toHaveLength(2);
    expect((await site.untilState('planner', 'running')).pid).toBe(pid);
    await site.end('SIGTERM');
    expect(filesWith(site, CANARY)).toEqual([]);
  });

  it('is the control: without a key the same stands in its files', { timeout: LONG }, async () => {
    const site = new Site({ components: { planner: sleeper() } });
    await site.start();
    await save(site);
    expect(filesWith(site, CANARY)).not.toEqual([]);
  });
});

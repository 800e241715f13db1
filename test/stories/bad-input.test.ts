import { existsSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { client, paramedic, Site, sleeper } from '../support/daemon.ts';
import { tempFolder, until } from '../support/temp.ts';

describe('a start that cannot be', () => {
  /** One line that says it all, no stack, nothing begun. */
  async function refused(site: Site, code: number): Promise<string> {
    const outcome = await paramedic(['start', '--config', site.file]);
    expect(outcome).toMatchObject({ code, stdout: '' });
    expect(outcome.stderr.split('\n')).toHaveLength(2);
    expect(outcome.stderr).not.toMatch(/^\s+at /m);
    expect(site.read('started')).toBeUndefined();
    return outcome.stderr;
  }
  const witness = { command: ['touch', 'started'] };

  it('names the file, the line and the key that it does not know', async () => {
    const site = new Site({ components: { mail: { ...witness, comand: [] } } });
    expect(await refused(site, 2)).toMatch(/paramedic\.yaml:\d+:\d+ components\.mail.*comand/);
    expect(existsSync(site.stateDir)).toBe(false);
  });

  it('names the cycle', async () => {
    const site = new Site({
      components: { a: { ...witness, depends_on: ['b'] }, b: { ...witness, depends_on: ['a'] } },
    });
    expect(await refused(site, 2)).toMatch(/cycle.*a.*b/);
  });

  it('says that the file is not there, or is no YAML', async () => {
    const site = new Site({});
    writeFileSync(site.file, 'components: {\n  mail: [');
    expect(await refused(site, 2)).toMatch(/paramedic\.yaml:\d+:/);
    site.remove('paramedic.yaml');
    expect(await refused(site, 2)).toContain(site.file);
  });

  it('names the daemon that runs already', async () => {
    const site = new Site({ components: { mail: sleeper() } });
    await site.start();
    expect(await refused(site, 1)).toContain(`(pid ${site.pid})`);
    expect((await site.untilState('mail', 'running')).restarts).toBe(0);
  });

  it('names the address that is in use', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void taken.close());
    const address = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
    const site = new Site({ listen: address, components: { witness } });
    expect(await refused(site, 1)).toContain(`${address} is in use`);
  });

  it.each([
    { what: 'a file', at: (folder: string) => (writeFileSync(join(folder, 'file'), ''), join(folder, 'file')) },
    {
      what: 'below a file',
      at: (folder: string) => (writeFileSync(join(folder, 'file'), ''), join(folder, 'file', 'x')),
    },
    { what: 'where nobody may write', at: () => '/proc/1/paramedic' },
  ])('names the state folder that is $what', async ({ at }) => {
    const state_dir = at(tempFolder());
    const site = new Site({ state_dir, components: { witness } });
    expect(await refused(site, 1)).toContain(`The state folder ${state_dir} cannot be used`);
  });
});

describe('a request that cannot be', () => {
  const site = new Site(
    {
      components: {
        agent: client(
          `import { writeFileSync } from 'node:fs';
           writeFileSync('token-' + process.pid, process.env.PARAMEDIC_TOKEN); setInterval(() => {}, 1e6);`,
          { priority: 'critical', restart: { policy: 'immediate', max_restarts: 100 } },
        ),
      },
    },
    afterAll,
  );
  beforeAll(() => site.start());

  const ask = async (path: string, token: string, body?: string) => {
    const answer = await fetch(site.url + path, {
      method: body === undefined ? 'GET' : path.endsWith('/state') ? 'PUT' : 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body }),
    });
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    const problem = (await answer.json()) as Record<string, unknown>;
    expect(problem).toMatchObject({
      type: expect.any(String),
      title: expect.any(String),
      detail: expect.any(String),
      status: answer.status,
    });
    return [answer.status, problem['code']];
  };

  it.each([
    { what: 'a wrong token', path: '/api/v1/status', token: 'wrong', body: undefined, is: [401, 'UNAUTHORIZED'] },
    {
      what: 'no component of ours',
      path: '/component/v1/heartbeat',
      token: 'wrong',
      body: '{}',
      is: [401, 'TOKEN_UNKNOWN'],
    },
    {
      what: 'an unknown component',
      path: '/api/v1/components/nobody',
      token: null,
      body: undefined,
      is: [404, 'COMPONENT_NOT_FOUND'],
    },
    { what: 'an unknown path', path: '/api/v1/nothing', token: null, body: undefined, is: [404, 'NOT_FOUND'] },
    { what: 'no JSON', path: '/api/v1/components/agent/restart', token: null, body: '{', is: [400, 'BODY_INVALID'] },
    {
      what: 'an unknown parameter',
      path: '/api/v1/components/agent/restart',
      token: null,
      body: '{"froce":true}',
      is: [400, 'BODY_INVALID'],
    },
    {
      what: 'a body without end',
      path: '/api/v1/components/agent/restart',
      token: null,
      body: `"${'x'.repeat(2 ** 20)}"`,
      is: [413, 'BODY_TOO_LARGE'],
    },
  ])('for $what is answered $is as problem+json', async ({ path, token, body, is }) => {
    expect(await ask(path, token ?? site.token, body)).toEqual(is);
  });

  it('from a life before this one is answered 409 and writes nothing', async () => {
    const { pid } = await site.untilState('agent', 'running');
    const old = await until('its token', () => site.read(`token-${pid}`) || undefined);
    const put = (state: string) =>
      fetch(`${site.url}/component/v1/state`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${old}`, 'content-type': 'application/json' },
        body: JSON.stringify({ state }),
      });
    expect((await put('mine')).status).toBe(200);
    process.kill(pid!, 'SIGKILL');
    const next = await site.untilState('agent', 'running', pid);
    for (const [path, body] of [
      ['state', '{"state":"stale"}'],
      ['journal', '{"operation":"stale"}'],
      ['heartbeat', '{}'],
      ['state', undefined],
    ] as const)
      expect(await ask(`/component/v1/${path}`, old, body)).toEqual([409, 'STALE_INCARNATION']);
    const token = await until('its token', () => site.read(`token-${next.pid}`) || undefined);
    const restored = await fetch(`${site.url}/component/v1/state`, { headers: { authorization: `Bearer ${token}` } });
    expect(await restored.json()).toMatchObject({ state: 'mine', journal: [] });
  });
});

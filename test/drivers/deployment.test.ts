import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { describeEngine } from '../contracts/engine.ts';
import type { FakeKubernetes } from '../support/fake-kubernetes.ts';
import { tempFolder, until } from '../support/temp.ts';
import { deploymentStage as stage, settings } from './stages/deployment.ts';

type Staged = Awaited<ReturnType<typeof stage>>;
const changed = (on: Staged, changes: Record<string, unknown>) =>
  on.plan({ engine: { ...settings, kubeconfig: on.cluster.kubeconfig, ...changes } as never });
const inMood = (mood: FakeKubernetes['mood']) => (on: Staged) => {
  on.cluster.mood = mood;
  return changed(on, { timeout: 300 });
};

describeEngine({
  name: 'a deployment of Kubernetes',
  stage: () => stage(),
  tellsRuns: false,
  troubles: [
    {
      what: 'there is no kubeconfig',
      make: async (on) => changed(on, { kubeconfig: '/no/such/file' }),
      says: /the kubeconfig \/no\/such\/file cannot be read: ENOENT/,
    },
    {
      what: 'the kubeconfig is none',
      make: async (on) => {
        const file = join(tempFolder(), 'kubeconfig');
        writeFileSync(file, '{"clusters": 7');
        return changed(on, { kubeconfig: file });
      },
      says: /kubeconfig cannot be read: /,
    },
    {
      what: 'the context is unknown',
      make: async (on) => changed(on, { context: 'prod' }),
      says: /the kubeconfig has no context "prod" \(it has test\)\.$/,
    },
    { what: 'it may not be changed', make: inMood('denied'), says: /is forbidden: User "me" cannot patch resource\.$/ },
    {
      what: 'the credentials are not accepted',
      make: async (on) => {
        await on.cluster.away();
        on.cluster.token = 'stolen';
        await on.cluster.back();
        return on.plan();
      },
      says: /does not accept the credentials of the kubeconfig\.$/,
    },
    { what: 'Kubernetes does not answer', make: inMood('slow'), says: /: no answer within 300ms\.$/ },
    {
      what: 'who gives the credentials hangs',
      make: async (on) => {
        const config = JSON.parse(readFileSync(on.cluster.kubeconfig, 'utf8')) as { users: unknown[] };
        const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: 'sleep', args: ['2'] };
        config.users = [{ name: 'me', user: { exec } }];
        const kubeconfig = join(tempFolder(), 'kubeconfig');
        writeFileSync(kubeconfig, JSON.stringify(config));
        return changed(on, { kubeconfig, timeout: 200 });
      },
      says: /: no answer within 200ms\.$/,
    },
    { what: 'somebody else answers', make: inMood('garbage'), says: /is not Kubernetes\.$/ },
    {
      what: 'its pods do not come up, and why',
      make: async (on) => {
        on.cluster.hindrance = 'ImagePullBackOff';
        return { ...on.plan(), startTimeoutMs: 100 };
      },
      says: /it is not rolled out within 100ms: 0 of 3 pods are available; api-\d+: ImagePullBackOff\.$/,
    },
    {
      what: 'Kubernetes has given it up',
      make: async (on) => {
        on.cluster.hindrance = 'CrashLoopBackOff';
        on.cluster.get('api').conditions = [
          { type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' },
        ];
        return on.plan();
      },
      says: /it is not rolled out in the time that it has itself: 0 of 3 pods are available; .*CrashLoopBackOff\.$/,
    },
  ],
});

describe('a deployment', () => {
  const begin = async () => {
    const on = await stage();
    const driver = on.driver();
    onTestFinished(() => driver.close());
    return { on, api: on.cluster.get('api'), driver, start: () => driver.start(on.plan()) };
  };

  it('is stopped by scaling it to 0, and started with as many pods as before', async () => {
    const { api, start } = await begin();
    const running = await start();
    expect([api.replicas, api.annotations]).toEqual([3, {}]);
    await running.stop({ signal: 'SIGTERM', timeout: 10_000 });
    expect([api.replicas, api.annotations]).toEqual([0, { 'paramedic/replicas': '3' }]);
    await start();
    expect(api.replicas).toBe(3);
  });

  it.each(['stop', 'kill'] as const)('is given back as many pods as it had at its %s', async (how) => {
    const on = await stage();
    const driver = on.driver();
    onTestFinished(() => driver.close());
    const running = await driver.start(changed(on, { interval: 3_600_000 }));
    on.cluster.scale('api', 5);
    await (how === 'stop' ? running.stop({ signal: 'SIGTERM', timeout: 10_000 }) : running.kill());
    await driver.start(on.plan());
    expect(on.cluster.get('api').replicas).toBe(5);
  });

  it('is restarted as kubectl does it, without a gap, and its start waits for the rollout', async () => {
    const { on, api, start } = await begin();
    const running = await start();
    on.cluster.hindrance = 'ContainerCreating';
    expect(await running.stop({ signal: 'SIGTERM', timeout: 10_000 }, 'restart')).toEqual({
      exit: { code: 0, signal: null },
      forced: false,
    });
    expect(api.template['kubectl.kubernetes.io/restartedAt']).toMatch(/^\d{4}-\d\d-\d\dT/);
    expect(api.available).toBe(3);
    const before = on.cluster.asked.length;
    const started = start();
    await until('some looks', () => on.cluster.asked.length > before + 2);
    on.cluster.settle('api');
    await started;
  });

  it('that cannot be told to begin anew runs on as it is, and its start fails until it can', async () => {
    const { on, api, start } = await begin();
    const running = await start();
    const pods = [...api.pods];
    on.cluster.mood = 'denied';
    expect(await running.stop({ signal: 'SIGTERM', timeout: 10_000 }, 'restart')).toMatchObject({ forced: false });
    await expect(start()).rejects.toThrow(/is forbidden: User "me" cannot patch resource\.$/);
    expect([api.replicas, api.pods, on.problems.join('\n')]).toEqual([3, pods, expect.stringContaining('forbidden')]);
    expect(on.cluster.asked.filter((asked) => asked.startsWith('DELETE '))).toEqual([]);

    on.cluster.mood = 'well';
    await start();
    expect(api.template['kubectl.kubernetes.io/restartedAt']).toMatch(/^\d{4}-\d\d-\d\dT/);
    const generation = api.generation;
    await start();
    expect(api.generation).toBe(generation);
  });

  it.each([
    { when: 'is looked at', interval: 50, mood: 'slow' },
    { when: 'waits for the next look', interval: 3_600_000, mood: 'well' },
  ] as const)('is stopped at once while its rollout $when', async ({ interval, mood }) => {
    const { on, api, driver } = await begin();
    on.cluster.hindrance = 'ContainerCreating';
    const unwanted = new AbortController();
    const plan = { ...changed(on, { interval, timeout: 600_000 }), startTimeoutMs: 600_000 };
    const starting = driver.start(plan, unwanted.signal);
    await until('the rollout', () => api.replicas === 3);
    on.cluster.mood = mood;
    const asked = on.cluster.asked.length;
    if (mood === 'slow') await until('a look', () => on.cluster.asked.length > asked);
    unwanted.abort();
    const running = await starting;
    on.cluster.mood = 'well';
    await running.stop({ signal: 'SIGTERM', timeout: 30_000 });
    expect([api.replicas, api.pods]).toEqual([0, []]);
  });

  it('is not scaled up behind a stop by what was asked for before it', async () => {
    const { on, api, driver } = await begin();
    const answer = Promise.withResolvers<void>();
    on.cluster.hold = answer.promise;
    const unwanted = new AbortController();
    const starting = driver.start(changed(on, { interval: 3_600_000 }), unwanted.signal);
    await until('the change', () => on.cluster.asked.some((asked) => asked.startsWith('PATCH ')));
    unwanted.abort();
    const stopping = (await starting).stop({ signal: 'SIGTERM', timeout: 30_000 });
    const asked = on.cluster.asked.length;
    // Time enough to look, and to find that it is scaled to 0 still.
    await systemClock.sleep(100);
    expect(on.cluster.asked.length).toBe(asked);
    answer.resolve();
    await stopping;
    expect([api.replicas, api.annotations]).toEqual([0, { 'paramedic/replicas': '3' }]);
  });

  it('tells by its pods how well it is', async () => {
    const { api, start } = await begin();
    const running = await start();
    expect(running.health?.()).toEqual({ status: 'healthy', message: '3 of 3 pods are available' });
    api.available = 2;
    await until('one of them to be missed', () => running.health?.()?.status === 'degraded');
    api.available = 0;
    await until('all of them to be missed', () => running.health?.()?.status === 'unhealthy');
    expect(running.health?.()?.message).toBe('0 of 3 pods are available');
  });

  it('loses its pods at once when it is killed', async () => {
    const { on, api, start } = await begin();
    const running = await start();
    on.cluster.deaf = true;
    const pods = [...api.pods];
    await running.kill();
    for (const pod of pods) expect(on.cluster.asked).toContain(`DELETE /api/v1/namespaces/shop/pods/${pod}`);
  });

  it.each([
    {
      selector: {
        matchExpressions: [
          { key: 'app', operator: 'In', values: ['api', 'web'] },
          { key: 'old', operator: 'DoesNotExist' },
        ],
      },
      kills: true,
    },
    { selector: {}, kills: false },
  ])('that chooses its pods by $selector takes no others along when it is killed', async ({ selector, kills }) => {
    const { on, api, start } = await begin();
    on.cluster.selector = selector;
    on.cluster.strangers.push('shop-db-0');
    const running = await start();
    on.cluster.deaf = kills;
    const pods = [...api.pods];
    await running.kill();
    const deleted = on.cluster.asked.filter((asked) => asked.startsWith('DELETE '));
    expect(deleted).toEqual(kills ? pods.map((pod) => `DELETE /api/v1/namespaces/shop/pods/${pod}`) : []);
  });

  it('that was removed has ended', async () => {
    const { on, start } = await begin();
    const running = await start();
    on.cluster.remove('api');
    await running.exited;
    expect(running.verdict?.()).toEqual({ oomKilled: null, failure: 'removed' });
  });

  it('keeps nobody waiting for its adoption while Kubernetes does not answer', async () => {
    const { on, start } = await begin();
    const { process, engine = null } = await start();
    const next = on.driver();
    onTestFinished(async () => {
      await on.cluster.away();
      await next.close();
    });
    on.cluster.mood = 'slow';
    const adopted = await next.adopt(changed(on, { timeout: 600_000 }), { process, engine });
    expect(adopted?.engine).toEqual(engine);
  });

  it('cannot be run without the library, which is said with what to do', async () => {
    const name = '@kubernetes/no-such-client';
    const on = await stage(() => import(name));
    const driver = on.driver();
    onTestFinished(() => driver.close());
    await expect(driver.start(on.plan())).rejects.toThrow(
      /^Could not start "api": components with "deployment" need a library that is not installed: npm install @kubernetes\/client-node beside Paramedic\.$/,
    );
  });
});

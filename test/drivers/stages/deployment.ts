import { systemClock } from '../../../src/clock.ts';
import { createDeploymentDriver } from '../../../src/drivers/deployment.ts';
import { loadLibrary, type LoadLibrary } from '../../../src/drivers/kubernetes.ts';
import type { EngineStage } from '../../contracts/engine.ts';
import { FakeKubernetes } from '../../support/fake-kubernetes.ts';
import { planFor } from '../support.ts';

export const settings = { kind: 'deployment', name: 'api', interval: 50, timeout: 10_000, keep_running: true } as const;

export async function deploymentStage(
  load: LoadLibrary = loadLibrary,
): Promise<EngineStage & { readonly cluster: FakeKubernetes }> {
  const cluster = new FakeKubernetes();
  await cluster.back();
  cluster.create('api', 0);
  cluster.get('api').annotations['paramedic/replicas'] = '3';
  const problems: string[] = [];
  return {
    cluster,
    problems,
    plan: (changes) => planFor([], { engine: { ...settings, kubeconfig: cluster.kubeconfig }, ...changes }),
    runs: () => cluster.get('api').pods.length > 0,
    end: () => cluster.scale('api', 0),
    exit: { code: null, signal: null },
    refused: () => ({
      plan: planFor([], { engine: { ...settings, kubeconfig: cluster.kubeconfig, name: 'nobody' } }),
      says: /^Could not start "nobody": there is no deployment of this name in the namespace "shop"\.$/,
    }),
    driver: () =>
      createDeploymentDriver({
        clock: systemClock,
        onProblem: (what, error) => problems.push(`${what}: ${String(error)}`),
        load,
      }),
    startElsewhere: () => cluster.scale('api', 2),
    beDeaf: () => {
      cluster.deaf = true;
      return () => true;
    },
    beSlow: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      cluster.hold = promise;
      return { begun: () => cluster.asked.some((asked) => asked.startsWith('PATCH ')), goOn: resolve };
    },
    away: () => cluster.away(),
    back: () => cluster.back(),
  };
}

import { systemClock } from '../../../src/clock.ts';
import { createContainerDriver } from '../../../src/drivers/container.ts';
import type { EngineStage } from '../../contracts/engine.ts';
import { FakeDocker } from '../../support/fake-docker.ts';
import { planFor } from '../support.ts';

export const settings = {
  kind: 'container',
  name: 'redis',
  interval: 50,
  timeout: 10_000,
  keep_running: false,
} as const;

export async function containerStage(): Promise<EngineStage & { readonly docker: FakeDocker }> {
  const docker = new FakeDocker();
  await docker.back();
  docker.create('redis', 'exec sleep 600');
  const problems: string[] = [];
  return {
    docker,
    problems,
    plan: (changes) => planFor([], { engine: settings, ...changes }),
    runs: () => docker.runs('redis'),
    end: () => docker.kill('redis'),
    exit: { code: 137, signal: null },
    refused: () => ({
      plan: planFor([], { engine: { ...settings, name: 'nobody' } }),
      says: /^Could not start "nobody": Docker has no container named "nobody"\.$/,
    }),
    driver: () =>
      createContainerDriver({
        clock: systemClock,
        onProblem: (what, error) => problems.push(`${what}: ${String(error)}`),
        env: { DOCKER_HOST: docker.host },
      }),
    startElsewhere: () => docker.start('redis'),
    beDeaf: () => {
      const redis = docker.get('redis');
      redis.program = `trap '' TERM; echo deaf; while :; do sleep 0.05; done`;
      return () => redis.output.length > 0;
    },
    beSlow: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      docker.hold = promise;
      return { begun: () => docker.asked.includes('POST /containers/redis/start'), goOn: resolve };
    },
    away: () => docker.away(),
    back: () => docker.back(),
  };
}

import { formatDuration, iso } from '../format.ts';
import type { ComponentName } from '../model/index.ts';
import type { Driver, EngineHealth, StartPlan } from './driver.ts';
import { createEngineDriver, PERHAPS, type Engine, type EngineDeps, type Seen, type SeenRunning } from './engine.ts';
import {
  connectCluster,
  loadLibrary,
  type Cluster,
  type Deployment,
  type LoadLibrary,
  type Pod,
} from './kubernetes.ts';
import type { SettingsOf } from './schema.ts';
import { unlessUnwanted } from './unwanted.ts';

export interface DeploymentDeps extends EngineDeps {
  readonly load?: LoadLibrary;
}

/** How many there were before it was stopped: in the deployment itself, so that any daemon can start it. */
const REPLICAS = 'paramedic/replicas';
/** As `kubectl rollout restart` marks it. */
const RESTARTED = 'kubectl.kubernetes.io/restartedAt';
const LOOK_EVERY_MS_WHILE_ROLLING_OUT = 500;

/** Makes the driver of deployments of Kubernetes. */
export function createDeploymentDriver({ load = loadLibrary, ...deps }: DeploymentDeps): Driver {
  const clusters = new Map<string, Promise<Cluster>>();
  const connect = ({ kubeconfig, context, timeout: timeoutMs }: SettingsOf<'deployment'>): Promise<Cluster> => {
    const key = JSON.stringify([kubeconfig, context, timeoutMs]);
    const cluster = clusters.get(key) ?? connectCluster({ kubeconfig, context, timeoutMs }, load);
    clusters.set(key, cluster);
    // What is put right (the library is installed, the file is mended) is found by the next look.
    cluster.catch(() => clusters.delete(key));
    return cluster;
  };
  const owed = new Set<ComponentName>();
  const open = (plan: StartPlan): Engine => {
    const settings = plan.engine as SettingsOf<'deployment'>;
    return see(plan, settings, { cluster: () => connect(settings), owed, ...deps });
  };
  const forget = async (component: ComponentName) => void owed.delete(component);
  return createEngineDriver('deployment', open, { ...deps, forget });
}

interface SeeDeps extends EngineDeps {
  readonly cluster: () => Promise<Cluster>;
  /** Those that could not be told to begin anew: their next start does. */
  readonly owed: Set<ComponentName>;
}

function see(
  { component, startTimeoutMs }: StartPlan,
  { name, interval, namespace }: SettingsOf<'deployment'>,
  { cluster, owed, clock }: SeeDeps,
): Engine {
  let last: Deployment | null = null;
  /** Settles when Kubernetes has answered to the last change that it was asked for. */
  let changed: Promise<unknown> = Promise.resolve();

  const look = async (signal?: AbortSignal): Promise<Seen> => {
    last = await (await cluster()).deployment(namespace, name, signal);
    if (last) return seenOf(last);
    return { is: 'ended', exit: { code: null, signal: null }, verdict: { oomKilled: null, failure: 'removed' } };
  };
  const podsOf = async (deployment: Deployment, signal?: AbortSignal) =>
    (await cluster()).pods(namespace, deployment.spec?.selector ?? {}, signal);
  const patch = (body: object): Promise<Deployment> => {
    const answer = cluster().then((known) => known.patch(namespace, name, body));
    changed = answer.catch(() => undefined);
    return answer;
  };

  const scaleDown = async (): Promise<void> => {
    // A start that nobody waits for any more must not come up behind it.
    await changed;
    // Somebody, or an autoscaler, may have scaled it since the last look.
    await look();
    const replicas = last?.spec?.replicas ?? 1;
    if (!last || replicas === 0) return;
    last = await patch({
      metadata: { annotations: { [REPLICAS]: String(replicas) } },
      spec: { replicas: 0 },
    });
  };

  const beginAnew = async (): Promise<Deployment> => {
    const annotations = { [RESTARTED]: iso(clock.now()) };
    owed.add(component);
    last = await patch({ spec: { template: { metadata: { annotations } } } });
    owed.delete(component);
    return last;
  };

  const scaleUp = (deployment: Deployment): Promise<Deployment> => {
    const replicas = Number(deployment.metadata?.annotations?.[REPLICAS] ?? 1) || 1;
    owed.delete(component);
    return patch({
      metadata: { annotations: { [REPLICAS]: null } },
      spec: { replicas },
    });
  };

  /** Until the newest version is there in full; what hinders it is said by its pods. */
  const rollOut = async (seen: SeenRunning, signal: AbortSignal): Promise<SeenRunning> => {
    const deadline = clock.monotonic() + startTimeoutMs;
    let now: Seen = seen;
    while (last && !isRolledOut(last)) {
      const late = clock.monotonic() >= deadline;
      if (late || isGivenUp(last)) {
        const when = late ? `within ${formatDuration(startTimeoutMs)}` : 'in the time that it has itself';
        const hindrance = hindranceOf(await podsOf(last, signal).catch(() => []));
        throw new Error(`it is not rolled out ${when}: ${readinessOf(last)}${hindrance}`);
      }
      await clock.sleep(Math.min(LOOK_EVERY_MS_WHILE_ROLLING_OUT, interval), signal);
      now = await look(signal);
    }
    if (now.is === 'running') return now;
    throw new Error(last ? 'somebody has scaled it to 0' : 'somebody has removed it');
  };

  return {
    name: namespace === undefined ? name : `${namespace}/${name}`,
    bootId: null,
    everyMs: interval,
    replaces: true,
    look,

    async start(seen, signal) {
      if (!last)
        throw new Error(
          `there is no deployment of this name in the namespace "${namespace ?? (await cluster()).namespace}"`,
        );
      const isThere = seen.is === 'running' && last.spec?.replicas !== 0;
      if (isThere && !owed.has(component)) return rollOut(seen, signal);
      // What was sent cannot be taken back; it is only not waited for.
      const begun = await unlessUnwanted(isThere ? beginAnew() : scaleUp(last), signal);
      if (begun === null) return PERHAPS;
      last = begun;
      return rollOut({ is: 'running', run: runOf(last), health: healthOf(last) }, signal);
    },

    stop: async (_policy, next) => void (await (next === 'stop' ? scaleDown() : beginAnew())),

    async kill() {
      await scaleDown();
      if (!last) return;
      const pods = await podsOf(last);
      await Promise.all(pods.map(async ({ metadata }) => (await cluster()).deletePod(namespace, metadata?.name ?? '')));
    },
  };
}

const runOf = ({ metadata }: Deployment): string | null => metadata?.uid ?? null;

function seenOf(deployment: Deployment): Seen {
  const { spec, status } = deployment;
  // Scaled to 0, it has ended when its pods have.
  if (spec?.replicas === 0 && (status?.replicas ?? 0) === 0)
    return { is: 'ended', exit: { code: null, signal: null }, verdict: null };
  return { is: 'running', run: runOf(deployment), process: null, health: healthOf(deployment) };
}

const numbersOf = ({ spec, status }: Deployment) => ({
  wanted: spec?.replicas ?? 1,
  all: status?.replicas ?? 0,
  updated: status?.updatedReplicas ?? 0,
  available: status?.availableReplicas ?? 0,
});

/** As `kubectl rollout status` judges. */
function isRolledOut(deployment: Deployment): boolean {
  const { wanted, all, updated, available } = numbersOf(deployment);
  const heard = (deployment.status?.observedGeneration ?? 0) >= (deployment.metadata?.generation ?? 0);
  return heard && updated >= wanted && all <= updated && available >= updated;
}

const isGivenUp = ({ metadata, status }: Deployment): boolean =>
  (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0) &&
  (status?.conditions ?? []).some(({ reason }) => reason === 'ProgressDeadlineExceeded');

function readinessOf(deployment: Deployment): string {
  const { wanted, available } = numbersOf(deployment);
  return `${available} of ${wanted} pods ${wanted === 1 ? 'is' : 'are'} available`;
}

function healthOf(deployment: Deployment): EngineHealth {
  const { wanted, available } = numbersOf(deployment);
  const message = readinessOf(deployment);
  if (wanted > 0 && available === 0) return { status: 'unhealthy', message };
  return { status: available < wanted ? 'degraded' : 'healthy', message };
}

/** `; api-7f9: ImagePullBackOff`: why the first of them that waits does so. */
function hindranceOf(pods: readonly Pod[]): string {
  for (const { metadata, status } of pods) {
    const reason = status?.containerStatuses?.find(({ state }) => state?.waiting?.reason)?.state?.waiting?.reason;
    if (reason) return `; ${metadata?.name ?? 'a pod'}: ${reason}`;
  }
  return '';
}

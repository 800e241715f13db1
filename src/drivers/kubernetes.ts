import type * as Library from '@kubernetes/client-node';
import { sentenceOf, systemCode } from '../errors.ts';
import { formatDuration } from '../format.ts';

/** The library is large and most do without it: it is an optional peer dependency, loaded on first use. */
export type LoadLibrary = () => Promise<typeof Library>;
export const loadLibrary: LoadLibrary = () => import('@kubernetes/client-node');

export interface ClusterSettings {
  /** Absolute; by default as kubectl finds it, or that of the pod that we are in. */
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  readonly timeoutMs: number;
}

export type Deployment = Library.V1Deployment;
export type Pod = Library.V1Pod;
export type PodSelector = Library.V1LabelSelector;

/**
 * Kubernetes, as far as one deployment needs it; without a namespace, in its own. All rejects with one sentence. What
 * only reads is given up when its signal is aborted.
 */
export interface Cluster {
  /** The namespace of the context. */
  readonly namespace: string;
  /** Null: there is none. */
  deployment(namespace: string | undefined, name: string, signal?: AbortSignal): Promise<Deployment | null>;
  /** A merge patch (RFC 7386). */
  patch(namespace: string | undefined, name: string, body: object): Promise<Deployment>;
  /** Those that it chooses; none when that would be all that there are. */
  pods(namespace: string | undefined, selector: PodSelector, signal?: AbortSignal): Promise<readonly Pod[]>;
  /** At once, without the time that it has to leave. One that has gone is no error. */
  deletePod(namespace: string | undefined, name: string): Promise<void>;
}

/** @throws a sentence when there is no library, no configuration or no such context. */
export async function connectCluster(
  { kubeconfig, context, timeoutMs }: ClusterSettings,
  load: LoadLibrary = loadLibrary,
): Promise<Cluster> {
  const library = await load().catch((error: unknown) => {
    const absent = systemCode(error) === 'ERR_MODULE_NOT_FOUND';
    throw new Error(
      absent
        ? 'components with "deployment" need a library that is not installed: npm install @kubernetes/client-node beside Paramedic'
        : `@kubernetes/client-node cannot be loaded: ${sentenceOf(error).split('\n')[0] ?? ''}`,
      { cause: error },
    );
  });
  const config = readConfig(library, kubeconfig, context);
  const [apps, core] = [config.makeApiClient(library.AppsV1Api), config.makeApiClient(library.CoreV1Api)];
  const server = config.getCurrentCluster()?.server ?? 'no address';

  const options = ({ contentType, signal }: { contentType?: string; signal?: AbortSignal | undefined } = {}) => {
    const well = library.setHeaderMiddleware('Accept', 'application/json');
    const inTime: typeof well = {
      ...well,
      pre(request) {
        const late = AbortSignal.timeout(timeoutMs);
        request.setSignal(signal ? AbortSignal.any([signal, late]) : late);
        if (contentType !== undefined) request.setHeaderParam('Content-Type', contentType);
        return well.pre(request);
      },
    };
    return { middleware: [inTime], middlewareMergeStrategy: 'append' as const };
  };

  const ask = async <T>(answer: Promise<T>, signal?: AbortSignal): Promise<T> => {
    // The time of a request begins when it is sent: a program that gives the credentials may hang before.
    const over = Promise.withResolvers<never>();
    const timer = setTimeout(() => over.reject(new DOMException('too late', 'TimeoutError')), timeoutMs);
    const giveUp = () => over.reject(signal?.reason);
    if (signal?.aborted) giveUp();
    signal?.addEventListener('abort', giveUp);
    try {
      return await Promise.race([answer, over.promise]);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof library.ApiException && error.code === 404) throw error;
      throw new Error(whyNot(server, timeoutMs, error), { cause: error });
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', giveUp);
    }
  };
  const unless404 = async <T, U>(answer: Promise<T>, otherwise: U, signal?: AbortSignal): Promise<T | U> => {
    try {
      return await ask(answer, signal);
    } catch (error) {
      if (error instanceof library.ApiException) return otherwise;
      throw error;
    }
  };

  const own = config.getContextObject(config.getCurrentContext())?.namespace ?? 'default';

  return {
    namespace: own,
    async deployment(namespace = own, name, signal) {
      const found = apps.readNamespacedDeployment({ namespace, name }, options({ signal }));
      return sound(server, await unless404(found, null, signal));
    },
    async patch(namespace = own, name, body) {
      const patched = apps.patchNamespacedDeployment(
        { namespace, name, body },
        options({ contentType: library.PatchStrategy.MergePatch }),
      );
      const found = sound(server, await unless404(patched, null));
      if (!found) throw new Error(`there is no deployment "${name}" in the namespace "${namespace}"`);
      return found;
    },
    async pods(namespace = own, selector, signal) {
      const labelSelector = textOf(selector);
      if (!labelSelector) return [];
      const found = core.listNamespacedPod({ namespace, labelSelector }, options({ signal }));
      return (await ask(found, signal)).items;
    },
    async deletePod(namespace = own, name) {
      await unless404(core.deleteNamespacedPod({ namespace, name, gracePeriodSeconds: 0 }, options()), null);
    },
  };
}

function readConfig(
  library: typeof Library,
  file: string | undefined,
  context: string | undefined,
): Library.KubeConfig {
  const config = new library.KubeConfig();
  try {
    if (file === undefined) config.loadFromDefault();
    else config.loadFromFile(file);
  } catch (error) {
    const why = sentenceOf(error).split('\n')[0] ?? '';
    throw new Error(`the kubeconfig ${file ?? 'of this user'} cannot be read: ${why}`, { cause: error });
  }
  if (context !== undefined) {
    if (!config.getContextObject(context)) {
      const known = config.getContexts().map(({ name }) => name);
      throw new Error(`the kubeconfig has no context "${context}" (it has ${known.join(', ') || 'none'})`);
    }
    config.setCurrentContext(context);
  }
  if (!config.getCurrentCluster()) throw new Error('the kubeconfig does not name the cluster of its current context');
  return config;
}

/** As a query has it. Null: it says what we do not know, and without it others would be chosen too. */
function textOf({ matchLabels = {}, matchExpressions = [] }: PodSelector): string | null {
  const parts: (string | null)[] = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`);
  for (const { key, operator, values = [] } of matchExpressions)
    if (operator === 'In' || operator === 'NotIn') parts.push(`${key} ${operator.toLowerCase()} (${values.join(',')})`);
    else parts.push({ Exists: key, DoesNotExist: `!${key}` }[operator] ?? null);
  return parts.includes(null) ? null : parts.join(',');
}

/** What answers may be something else than Kubernetes: the library takes it as it comes. */
function sound(server: string, found: Deployment | null): Deployment | null {
  if (found && typeof found.spec?.selector !== 'object') throw new Error(`what answers at ${server} is not Kubernetes`);
  return found;
}

function whyNot(server: string, timeoutMs: number, error: unknown): string {
  const about = `Kubernetes at ${server}`;
  if (error instanceof DOMException || (error instanceof Error && /abort|timeout/i.test(error.name)))
    return `${about}: no answer within ${formatDuration(timeoutMs)}`;
  const { code, body } = error as { code?: unknown; body?: unknown };
  if (code === 401) return `${about} does not accept the credentials of the kubeconfig`;
  if (typeof code === 'number') return `${about}: ${messageIn(body) ?? `HTTP ${code}`}`;
  if (error instanceof SyntaxError) return `what answers at ${server} is not Kubernetes`;
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  if (systemCode(cause) === 'ECONNREFUSED') return `${about} does not answer`;
  return `${about}: ${sentenceOf(cause).split('\n')[0] ?? ''}`;
}

/** The message of a `Status`, which comes as text or parsed. */
function messageIn(body: unknown): string | null {
  try {
    const status = (typeof body === 'string' ? JSON.parse(body) : body) as { message?: unknown } | null;
    return typeof status?.message === 'string' ? (status.message.split('\n')[0] ?? '').replace(/\.$/, '') : null;
  } catch {
    return null;
  }
}

import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { closeServer } from './close-server.ts';
import { tempFolder, type Lifetime } from './temp.ts';

/**
 * The API of Kubernetes over HTTP, for one namespace, with the controller behind it: what is patched is rolled out at
 * once, as far as `hindrance` and `deaf` let it. Its kubeconfig names it as kubectl's would.
 */
interface Json {
  [key: string]: unknown;
}
interface FakeDeployment {
  readonly uid: string;
  generation: number;
  replicas: number;
  annotations: Record<string, string>;
  template: Record<string, string>;
  /** Pods of the template as it is now. */
  updated: number;
  available: number;
  pods: string[];
  conditions: Json[];
}

const TOKEN = 'let-me-in';
let made = 0;

export class FakeKubernetes {
  readonly kubeconfig: string;
  readonly #deployments = new Map<string, FakeDeployment>();
  /** `METHOD PATH`. */
  readonly asked: string[] = [];
  mood: 'well' | 'slow' | 'garbage' | 'denied' = 'well';
  /** Why new pods do not come up. */
  hindrance: string | null = null;
  /** What a change waits for before it is made. */
  hold: Promise<void> = Promise.resolve();
  /** Pods do not leave when they are asked to. */
  deaf = false;
  /** What the deployments choose their pods by. */
  selector: Json = { matchLabels: { app: 'api' } };
  /** Pods of others in the same namespace. */
  readonly strangers: string[] = [];
  token = TOKEN;
  #server: Server | null = null;
  #port = 0;

  constructor(lifetime: Lifetime = onTestFinished) {
    this.kubeconfig = join(tempFolder(lifetime), 'kubeconfig');
    lifetime(() => this.away());
  }

  async back(): Promise<void> {
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
    // The library speaks HTTP only to those who say that they know.
    const cluster = { server: `http://127.0.0.1:${this.#port}`, 'insecure-skip-tls-verify': true };
    writeFileSync(
      this.kubeconfig,
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [{ name: 'here', cluster }],
        users: [{ name: 'me', user: { token: this.token } }],
        contexts: [{ name: 'test', context: { cluster: 'here', user: 'me', namespace: 'shop' } }],
        'current-context': 'test',
      }),
    );
  }

  async away(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    await closeServer(server);
  }

  create(name: string, replicas: number): void {
    const fresh = { generation: 1, annotations: {}, template: {}, updated: 0, available: 0, pods: [], conditions: [] };
    this.#deployments.set(name, { uid: `uid-${++made}`, replicas, ...fresh });
    this.#reconcile(this.get(name));
  }

  get(name: string): FakeDeployment {
    const found = this.#deployments.get(name);
    if (!found) throw new Error(`no deployment ${name}`);
    return found;
  }

  remove(name: string): void {
    this.#deployments.delete(name);
  }

  scale(name: string, replicas: number): void {
    const deployment = this.get(name);
    deployment.replicas = replicas;
    deployment.generation++;
    this.#reconcile(deployment);
  }

  /** What hindered it has gone. */
  settle(name: string): void {
    this.hindrance = null;
    this.#reconcile(this.get(name));
  }

  #reconcile(deployment: FakeDeployment, renewed = false): void {
    if (renewed) deployment.updated = 0;
    if (deployment.replicas === 0) {
      if (!this.deaf) Object.assign(deployment, { pods: [], updated: 0, available: 0 });
      return;
    }
    const pods = Array.from({ length: deployment.replicas }, () => `api-${++made}`);
    if (this.hindrance !== null) return void Object.assign(deployment, { pods: [...deployment.pods, pods[0]] });
    Object.assign(deployment, { pods, updated: pods.length, available: pods.length });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://cluster');
    this.asked.push(`${request.method} ${pathname}`);
    if (this.mood === 'slow') return;
    if (this.mood === 'garbage')
      return void response.setHeader('content-type', 'text/html').end('<html>It works!</html>');
    if (request.headers.authorization !== `Bearer ${TOKEN}`) return this.#refuse(response, 401, 'Unauthorized');
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = chunks.length > 0 ? (JSON.parse(Buffer.concat(chunks).toString()) as Json) : {};
    const [, namespace, name = ''] =
      /^\/apis\/apps\/v1\/namespaces\/([^/]+)\/deployments\/([^/]+)$/.exec(pathname) ?? [];
    if (namespace === undefined) return this.#podRequest(request.method ?? '', pathname, searchParams, response);
    const deployment = namespace === 'shop' ? this.#deployments.get(name) : undefined;
    if (!deployment) return this.#refuse(response, 404, `deployments.apps "${name}" not found`);
    if (request.method === 'PATCH') {
      if (this.mood === 'denied')
        return this.#refuse(response, 403, `deployments.apps "${name}" is forbidden: User "me" cannot patch resource`);
      if (request.headers['content-type'] !== 'application/merge-patch+json')
        return this.#refuse(response, 415, 'the body of the request was in an unknown format');
      await this.hold;
      this.#patch(deployment, body);
    }
    json(response, 200, this.#view(name, deployment));
  }

  #patch(deployment: FakeDeployment, { metadata = {}, spec = {} }: { metadata?: Json; spec?: Json }): void {
    for (const [key, value] of Object.entries((metadata['annotations'] ?? {}) as Json))
      if (value === null) delete deployment.annotations[key];
      else deployment.annotations[key] = value as string;
    const template = (spec['template'] as { metadata: { annotations: Record<string, string> } } | undefined)?.metadata;
    Object.assign(deployment.template, template?.annotations);
    if (typeof spec['replicas'] === 'number') deployment.replicas = spec['replicas'];
    if (Object.keys(spec).length > 0) deployment.generation++;
    this.#reconcile(deployment, template !== undefined);
  }

  #podRequest(method: string, pathname: string, query: URLSearchParams, response: ServerResponse): void {
    const [, name] = /^\/api\/v1\/namespaces\/shop\/pods(?:\/([^/]+))?$/.exec(pathname) ?? [];
    const all = [...this.#deployments.values()];
    const selector = query.get('labelSelector') ?? '';
    if (method === 'GET' && name === undefined && ['', 'app=api', 'app in (api,web),!old'].includes(selector)) {
      const state = this.hindrance === null ? { running: {} } : { waiting: { reason: this.hindrance } };
      const items = all
        .flatMap(({ pods }) => pods)
        .concat(selector === '' ? this.strangers : [])
        .map((pod) => ({ metadata: { name: pod }, status: { containerStatuses: [{ name: 'main', state }] } }));
      return json(response, 200, { apiVersion: 'v1', kind: 'PodList', items });
    }
    const owner = all.find(({ pods }) => name !== undefined && pods.includes(name));
    if (method !== 'DELETE' || !owner) return this.#refuse(response, 404, `pods "${name}" not found`);
    owner.pods = owner.pods.filter((pod) => pod !== name);
    owner.available = Math.min(owner.available, owner.pods.length);
    json(response, 200, { apiVersion: 'v1', kind: 'Pod', metadata: { name } });
  }

  #view(
    name: string,
    { uid, generation, replicas, annotations, template, updated, available, pods, conditions }: FakeDeployment,
  ) {
    return {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace: 'shop', uid, generation, annotations },
      spec: { replicas, selector: this.selector, template: { metadata: { annotations: template } } },
      status: {
        observedGeneration: generation,
        replicas: pods.length,
        updatedReplicas: updated,
        availableReplicas: available,
        conditions,
      },
    };
  }

  #refuse(response: ServerResponse, code: number, message: string): void {
    json(response, code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', message, code });
  }
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

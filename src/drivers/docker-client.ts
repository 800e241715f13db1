import { request as plain, type IncomingMessage } from 'node:http';
import { Agent, request as secure } from 'node:https';
import { sentenceOf, systemCode } from '../errors.ts';
import { formatDuration } from '../format.ts';
import { dockerAddress } from './docker-address.ts';
import { openTls, whyNotTrusted } from './docker-tls.ts';

/** The newest version of the API that we know; an older engine is spoken to in its own. */
const NEWEST = [1, 51] as const;
const MOST_BYTES = 4 * 2 ** 20;

/** Docker's Engine API, as far as one container needs it. */
export interface DockerClient {
  /**
   * Asks, in the version that both sides know.
   * @param path below `/vX.Y`, with its query.
   * Resolves with the status and the whole body. Rejects with one sentence when there is no answer in time.
   */
  ask(method: 'GET' | 'POST', path: string, options?: AskOptions): Promise<DockerAnswer>;
  /** The same for an answer that takes as long as it takes; keeps no process alive. @returns how to give up. */
  await(path: string, answered: (ok: boolean) => void): () => void;
}

export interface AskOptions {
  /** For what takes longer than an answer may otherwise. */
  readonly withinMs?: number;
  /** Aborted when nobody waits for the answer any more: then Docker is hung up on. */
  readonly signal?: AbortSignal | undefined;
}

export interface DockerAnswer {
  readonly status: number;
  readonly body: Buffer;
}

/**
 * Our own few lines instead of a library: what there is brings an SSH client and gRPC along, for six requests over a
 * socket that Node speaks by itself.
 */
export function createDockerClient(host: string, timeoutMs: number, env: NodeJS.ProcessEnv): DockerClient {
  /** Known until something goes wrong: then another engine may have come, or new certificates. */
  let version: string | null = null;
  let agent: Agent | null = null;

  const send = (
    method: string,
    path: string,
    hear: (answer: IncomingMessage) => void,
    fail: (error: unknown) => void,
    signal?: AbortSignal,
  ) => {
    const { to, tls } = dockerAddress(host, env);
    const options = { ...to, method, path, headers: { 'content-length': 0 }, ...(signal && { signal }) };
    const sent = tls
      ? secure({ ...options, agent: (agent ??= new Agent({ secureContext: openTls(tls) })) }, hear)
      : plain({ ...options, agent: false }, hear);
    sent.once('error', fail);
    sent.once('socket', (socket) => socket.unref());
    sent.end();
    return sent;
  };

  const exchange = (
    method: string,
    path: string,
    { withinMs = timeoutMs, signal }: AskOptions = {},
  ): Promise<DockerAnswer & { readonly headers: IncomingMessage['headers'] }> =>
    new Promise((resolve, reject) => {
      const fail = (error: unknown) => {
        clearTimeout(timer);
        version = agent = null;
        reject(new Error(whyNot(host, env, error), { cause: error }));
      };
      const sent = send(
        method,
        path,
        (answer) => {
          const chunks: Buffer[] = [];
          let size = 0;
          answer.on('data', (chunk: Buffer) => {
            size += chunk.length;
            if (size > MOST_BYTES) sent.destroy(new Error('it says more than 4 MiB'));
            else chunks.push(chunk);
          });
          answer.once('error', fail);
          answer.once('end', () => {
            clearTimeout(timer);
            resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) });
          });
        },
        fail,
        signal,
      );
      const timer = setTimeout(() => sent.destroy(new Error(`no answer within ${formatDuration(withinMs)}`)), withinMs);
    });

  const negotiated = async (signal?: AbortSignal): Promise<string> => {
    if (version !== null) return version;
    const { status, headers, body } = await exchange('GET', '/_ping', { signal });
    const [, major, minor] = /^(\d+)\.(\d+)$/.exec(String(headers['api-version'] ?? '')) ?? [];
    if (body.includes('HTTP request to an HTTPS server'))
      throw new Error(`Docker at ${host} speaks TLS: set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH`);
    if (status !== 200) throw new Error(`Docker at ${host}: ${messageOf({ status, body })}`);
    if (major === undefined || minor === undefined)
      throw new Error(`what answers at ${host} does not speak the API of Docker`);
    const [theirs, ours] = [Number(major) * 1_000 + Number(minor), NEWEST[0] * 1_000 + NEWEST[1]];
    return (version = theirs < ours ? `v${major}.${minor}` : `v${NEWEST.join('.')}`);
  };

  return {
    async ask(method, path, options) {
      return exchange(method, `/${await negotiated(options?.signal)}${path}`, options);
    },
    await(path, answered) {
      let sent: ReturnType<typeof send> | null = null;
      let given = false;
      void negotiated().then(
        (prefix) => {
          if (given) return;
          sent = send(
            'POST',
            `/${prefix}${path}`,
            (answer) => {
              answer.resume();
              answer.once('error', () => answered(false));
              answer.once('end', () => answered(answer.statusCode === 200));
            },
            () => answered(false),
          );
        },
        () => answered(false),
      );
      return () => {
        given = true;
        sent?.destroy();
      };
    },
  };
}

/** What Docker says of a refusal: `{"message": …}`, else its status. */
export function messageOf({ status, body }: DockerAnswer): string {
  try {
    const { message } = JSON.parse(body.toString()) as { message?: unknown };
    if (typeof message === 'string') return (message.split('\n')[0] ?? '').replace(/\.$/, '');
  } catch {
    // It is no JSON: the status has to do.
  }
  return `HTTP ${status}`;
}

function whyNot(host: string, env: NodeJS.ProcessEnv, error: unknown): string {
  const { tls } = dockerAddress(host, env);
  const untrusted = tls && whyNotTrusted(tls, error);
  if (untrusted) return `Docker at ${host}: ${untrusted}`;
  switch (systemCode(error) ?? '') {
    case 'ENOENT':
    case 'ECONNREFUSED':
      return `Docker does not answer at ${host}: is it running?`;
    case 'EACCES':
    case 'EPERM':
      return `this user may not speak to Docker at ${host} (group "docker")`;
    default:
      return `Docker at ${host}: ${sentenceOf(error)}`;
  }
}

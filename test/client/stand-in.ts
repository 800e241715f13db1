import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { connect, type ConnectOptions } from '../../src/client/index.ts';

export interface Heard {
  readonly call: string;
  readonly query: string;
  readonly body: unknown;
  readonly authorization: string | undefined;
}
export type Reply = { readonly status: number; readonly body?: unknown } | 'hang up' | 'stream';

export const refusal = (status: number, code: string): Reply => ({
  status,
  body: { status, code, detail: `${code}!` },
});

/** A real HTTP server in the daemon's place: remembers what it hears, stores entries once, can die and come back. */
export async function standIn(answer: (heard: Heard, count: number) => Reply | undefined = () => undefined) {
  const heard: Heard[] = [];
  const entries = new Map<string, number>();
  let checkpoints = 0;

  const usual = ({ call, body }: Heard): Reply => {
    if (call === 'POST journal') {
      const ids = (body as { id: string }[]).map(({ id }) => {
        if (!entries.has(id)) entries.set(id, entries.size + 1);
        return entries.get(id);
      });
      return { status: 200, body: { entry_ids: ids } };
    }
    if (call === 'PUT state' || call === 'PATCH state')
      return { status: 200, body: { checkpoint_id: `CP-${++checkpoints}` } };
    if (call.startsWith('POST commands/')) return { status: 200, body: { checkpoint_id: `CP-${++checkpoints}` } };
    if (call === 'POST heartbeat') return { status: 204 };
    if (call === 'GET commands') return 'stream';
    const nothing = { checkpoint_id: null, state: null, schema_version: 1, journal: [], through: null };
    return { status: 200, body: { ...nothing, data_loss_seconds: 0 } };
  };

  const streams: ServerResponse[] = [];
  const server = createServer((request, response) => {
    void textOf(request).then((text) => {
      const [path = '', query = ''] = (request.url ?? '').replace('/component/v1/', '').split('?');
      const call = `${request.method} ${path}`;
      const body: unknown = text === '' ? undefined : JSON.parse(text);
      const one = { call, query, body, authorization: request.headers.authorization };
      heard.push(one);
      const reply = answer(one, heard.length) ?? usual(one);
      if (reply === 'hang up') return response.destroy();
      if (reply === 'stream') {
        streams.push(response.writeHead(200, { 'content-type': 'text/event-stream' }));
        return response.write(': \n\n');
      }
      return response.writeHead(reply.status).end(reply.body === undefined ? undefined : JSON.stringify(reply.body));
    });
  });
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  await listen(0);
  const { port } = server.address() as AddressInfo;
  onTestFinished(stop);

  const line = (options: Partial<ConnectOptions> = {}) => {
    const url = `http://127.0.0.1:${port}`;
    const connection = connect({ url, token: 'secret', component: 'planner', ...options });
    onTestFinished(() => connection.close());
    return connection;
  };
  /** Tells whoever listens what to do. */
  const command = (id: string, kind = 'get_state', data: Record<string, unknown> = {}) =>
    streams.forEach((stream) =>
      stream.write(`id: ${id}\nevent: ${kind}\ndata: ${JSON.stringify({ id, ...data })}\n\n`),
    );
  return {
    heard,
    entries,
    streams,
    command,
    line,
    stop,
    comeBack: () => listen(port),
    url: `http://127.0.0.1:${port}`,
    usual,
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

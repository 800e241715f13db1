import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import type { Notification } from '../../src/notifiers/notification.ts';
import { closeServer } from '../support/close-server.ts';
import type { Lifetime } from '../support/temp.ts';

export interface Post {
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly body: Notification;
}

/** A webhook's receiver that can be away: then nobody listens on its port. */
export class Receiver {
  /** All posts that were answered with a 2xx, in their order. */
  readonly taken: Post[] = [];
  readonly refused: Post[] = [];
  /** What the next posts are answered. */
  answer: (post: Post) => number | { status: number; headers: Record<string, string> } | null = () => 200;
  #server: Server | null = null;
  #port = 0;

  constructor(lifetime: Lifetime = onTestFinished) {
    lifetime(() => this.leave());
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/hooks/secret-path`;
  }

  get ids(): string[] {
    return this.taken.map(({ headers }) => String(headers['idempotency-key']));
  }

  async come(): Promise<void> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const post = { headers: request.headers, text, body: JSON.parse(text) as Notification };
        const given = this.answer(post);
        if (given === null) return;
        const { status, headers } = typeof given === 'number' ? { status: given, headers: {} } : given;
        (status >= 200 && status < 300 ? this.taken : this.refused).push(post);
        response.writeHead(status, headers).end();
      });
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (server.address() as AddressInfo).port;
  }

  async leave(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    await closeServer(server);
  }
}

/** What a receiver computes to see who posted. */
export const signed = (secret: string, { headers, text }: Post): string =>
  `sha256=${createHmac('sha256', secret)
    .update(`${String(headers['x-paramedic-timestamp'])}:${text}`)
    .digest('hex')}`;

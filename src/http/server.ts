import { createServer } from 'node:http';
import { setMaxListeners } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../clock.ts';
import { failure, sentenceOf, systemCode } from '../errors.ts';
import type { Daemon } from '../supervisor/api.ts';
import { createApp } from './app.ts';
import type { OnError } from './problem.ts';
import { isLoopback, type Listen } from './schema.ts';
import type { Tokens } from './tokens.ts';

/** A header must be there within 10 s and a whole body within a minute: nobody holds a connection by dawdling. */
const TIMEOUTS = { headersTimeout: 10_000, requestTimeout: 60_000, connectionsCheckingInterval: 5_000 };
/** Longer than the scrape interval of Prometheus, so that its connection is used again. */
const KEEP_ALIVE_MS = 75_000;

export interface HttpDeps {
  readonly daemon: Daemon;
  readonly tokens: Pick<Tokens, 'api' | 'metrics' | 'webhooks'>;
  readonly listen: Listen;
  readonly clock: Clock;
  readonly onError: OnError;
  /** Whether other machines can reach us; default: whether `listen` is anything but loopback. */
  readonly beyondLoopback?: boolean;
  /** How long `close` waits for answers under way. */
  readonly graceMs?: number;
}

export interface Http {
  /** Resolves when connections are accepted. Rejects with PORT_IN_USE or ADDRESS_UNUSABLE. */
  listen(): Promise<{ readonly host: string; readonly port: number; readonly url: string }>;
  /** Ends streams, lets answers under way finish within the grace time, then cuts. Idempotent; never rejects. */
  close(): Promise<void>;
}

const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host);
/** An address that a program on this machine can call. */
const reachable = (host: string): string => ({ '0.0.0.0': '127.0.0.1', '::': '::1' })[host] ?? host;

export function createHttp({ daemon, tokens, listen, clock, onError, graceMs = 2_000, ...rest }: HttpDeps): Http {
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);
  const beyondLoopback = rest.beyondLoopback ?? !isLoopback(listen.host);
  const app = createApp({ daemon, tokens, clock, onError, host: listen.host, beyondLoopback, closing: closing.signal });
  const server = createServer({ ...TIMEOUTS, keepAliveTimeout: KEEP_ALIVE_MS }, app);

  // A connection kept alive whose last answer is out would hold up the close until its own timeout.
  server.on('request', (_request, response) => {
    response.once('close', () => closing.signal.aborted && setImmediate(() => server.closeIdleConnections()));
  });

  return {
    listen: () =>
      new Promise((resolve, reject) => {
        server.once('error', (error) => {
          const address = `${bracketed(listen.host)}:${listen.port}`;
          if (systemCode(error) === 'EADDRINUSE') reject(failure('PORT_IN_USE', { address }, { cause: error }));
          else reject(failure('ADDRESS_UNUSABLE', { address, why: sentenceOf(error) }, { cause: error }));
        });
        server.listen(listen.port, listen.host, () => {
          server.removeAllListeners('error').on('error', (error) => onError(error, 'listener'));
          const { address, port } = server.address() as AddressInfo;
          resolve({ host: listen.host, port, url: `http://${bracketed(reachable(address))}:${port}` });
        });
      }),
    close: () =>
      new Promise((resolve) => {
        closing.abort();
        const cut = setTimeout(() => server.closeAllConnections(), graceMs);
        server.close(() => {
          clearTimeout(cut);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}

import { isIPv4, isIPv6 } from 'node:net';
import { z } from 'zod';

export interface Listen {
  readonly host: string;
  /** 0: any free one; it is kept in daemon.json and used again. */
  readonly port: number;
}

const parseListen = (text: string): Listen | undefined => {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? (plain === '' ? '0.0.0.0' : plain);
  if (host === undefined || port === undefined || Number(port) > 65_535) return undefined;
  return bracketed !== undefined && !isIPv6(bracketed) ? undefined : { host, port: Number(port) };
};

export const listenSchema = z
  .string()
  .default('127.0.0.1:9477')
  .transform((text, context) => {
    const listen = parseListen(text);
    if (listen) return listen;
    context.issues.push({ code: 'custom', input: text, message: 'expected an address such as 127.0.0.1:9477' });
    return z.NEVER;
  })
  .describe('Address of the one listener; port 0: any free one.');

/** Only programs on this machine can reach it. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));

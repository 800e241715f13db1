import type { RequestHandler } from 'express';
import { failure } from '../errors.ts';
import { isLoopback } from './schema.ts';

/** `127.0.0.1:9477`, `[::1]:9477`, `localhost` … without the port and the brackets. */
const nameOf = (header: string): string => {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(header) ?? [];
  return (bracketed ?? plain ?? '').toLowerCase();
};

/**
 * A page in a browser on this machine may have its own name resolve to 127.0.0.1 (DNS rebinding) and then read
 * what needs no token on loopback: only names that nobody else can own are answered.
 */
export function loopbackNamesOnly(listenHost: string): RequestHandler {
  return (request, _response, next) => {
    const name = nameOf(request.headers.host ?? '');
    if (!isLoopback(name) && name !== listenHost.toLowerCase())
      throw failure('FORBIDDEN', { why: `This listener is not known as "${name}". Use 127.0.0.1 or localhost.` });
    next();
  };
}

import type { RequestHandler } from 'express';
import type { IncomingMessage } from 'node:http';
import { sameSecret } from '../digest.ts';
import { failure } from '../errors.ts';

/** The token of `Authorization: Bearer …`. */
export const bearer = (request: IncomingMessage): string | undefined =>
  /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1];

/** What a 401 must carry. */
export const CHALLENGE = 'Bearer realm="paramedic"';

/** Lets through who brings one of the `accepted` tokens; throws UNAUTHORIZED naming `scope` otherwise. */
export function requireToken(scope: string, accepted: readonly string[]): RequestHandler {
  return (request, response, next) => {
    const given = bearer(request);
    // Each one is compared, so that the time tells nothing of which of them was nearly right.
    const known = given !== undefined && accepted.filter((token) => sameSecret(given, token)).length > 0;
    if (!known) {
      response.setHeader('www-authenticate', CHALLENGE);
      throw failure('UNAUTHORIZED', { scope });
    }
    next();
  };
}

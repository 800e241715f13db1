import type { Request, RequestHandler, Response } from 'express';
import type { IncomingMessage } from 'node:http';
import { sameSecret } from '../digest.ts';
import { failure } from '../errors.ts';

/** The token of `Authorization: Bearer …`. */
export const bearer = (request: IncomingMessage): string | undefined =>
  /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1];

/** What a 401 must carry. */
export const CHALLENGE = 'Bearer realm="paramedic"';

/** The password of `Authorization: Basic …`, whatever the user's name: for programs that know nothing else. */
function password(request: IncomingMessage): string | undefined {
  const [, encoded] = /^Basic +(\S+) *$/i.exec(request.headers.authorization ?? '') ?? [];
  const decoded = encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString('utf8');
  return decoded.includes(':') ? decoded.slice(decoded.indexOf(':') + 1) : undefined;
}

const isAccepted = (given: string | undefined, accepted: readonly string[]): boolean =>
  // Each one is compared, so that the time tells nothing of which of them was nearly right.
  given !== undefined && accepted.filter((token) => sameSecret(given, token)).length > 0;

function refuse(response: Response, scope: string): never {
  response.setHeader('www-authenticate', CHALLENGE);
  throw failure('UNAUTHORIZED', { scope });
}

/** Lets through who brings one of the `accepted` tokens; throws UNAUTHORIZED naming `scope` otherwise. */
export function requireToken(scope: string, accepted: readonly string[]): RequestHandler {
  return (request, response, next) => {
    if (!isAccepted(bearer(request), accepted)) refuse(response, scope);
    next();
  };
}

/** As `requireToken`, within a handler, and also as a basic password. @throws UNAUTHORIZED */
export function requireSecret(request: Request, response: Response, scope: string, accepted: readonly string[]): void {
  if (!isAccepted(bearer(request) ?? password(request), accepted)) refuse(response, scope);
}

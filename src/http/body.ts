import type { Request } from 'express';
import type { z } from 'zod';
import { failure, sentenceOf } from '../errors.ts';

/** Largest body of an ordinary request. */
export const BODY_LIMIT = 2 ** 20;
/** Largest state that a component may put. */
export const STATE_LIMIT = 16 * 2 ** 20;
/** How long the rest of a refused body is thrown away, so that who is still sending gets to read the answer. */
const LINGER_MS = 1_000;
/** A body may come byte by byte, and each piece takes some 200 of them: smaller ones are put together. */
const SMALLEST_PIECE = 2 ** 15;

/** The raw bytes of an application/json body; empty when there is none. @throws as `readPieces`. */
export async function readBody(request: Request, limitBytes = BODY_LIMIT): Promise<Buffer> {
  return Buffer.concat(await readPieces(request, limitBytes));
}

/**
 * The raw bytes of an application/json body in the pieces in which they come: for who hands on a large one, which is not
 * to be put together on this thread.
 * @throws BODY_TOO_LARGE, without reading a byte when the declared length tells; CONTENT_TYPE; BODY_INVALID when
 * the connection ends before the body does.
 */
export async function readPieces(request: Request, limitBytes = BODY_LIMIT): Promise<Buffer[]> {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > limitBytes) return refuse(request, limitBytes);
  if (declared > 0 || request.headers['transfer-encoding'] !== undefined) requireJson(request);
  return await new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let crumbs: Buffer[] = [];
    let crumbBytes = 0;
    let length = 0;
    const sweepUp = () => {
      const [only] = crumbs;
      if (only) pieces.push(crumbs.length === 1 ? only : Buffer.concat(crumbs));
      crumbs = [];
      crumbBytes = 0;
    };
    const done = (settle: () => void) => {
      request.removeAllListeners('data');
      settle();
    };
    request.on('data', (piece: Buffer) => {
      crumbs.push(piece);
      crumbBytes += piece.length;
      length += piece.length;
      if (crumbBytes >= SMALLEST_PIECE) sweepUp();
      if (length > limitBytes) done(() => reject(tooLarge(request, limitBytes)));
    });
    request.once('end', () => {
      sweepUp();
      done(() => resolve(pieces));
    });
    const cutOff = () => failure('BODY_INVALID', { path: '', why: 'the connection ended before the body did' });
    request.once('close', () => done(() => reject(cutOff())));
  });
}

/**
 * What can be said of a body before it is read: that it is JSON and not too large.
 * @throws CONTENT_TYPE, BODY_TOO_LARGE
 */
export function requireBody(request: Request, limitBytes = BODY_LIMIT): void {
  requireJson(request);
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) refuse(request, limitBytes);
}

/** @throws BODY_INVALID for what is not JSON in UTF-8. */
export function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw failure('BODY_INVALID', { path: '', why: `not JSON: ${sentenceOf(error)}` }, { cause: error });
  }
}

/** The body, parsed by a schema. No body at all is read as `{}`. @throws BODY_INVALID naming the failing path. */
export async function parseBody<S extends z.ZodType>(request: Request, schema: S): Promise<z.output<S>> {
  const bytes = await readBody(request);
  return parse(schema, bytes.length === 0 ? {} : parseJson(bytes));
}

/** A body's value or a query, parsed at the door. @throws BODY_INVALID naming the first failing path. */
export function parse<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = [...(issue?.path ?? []), ...(issue?.code === 'unrecognized_keys' ? issue.keys : [])];
  throw failure('BODY_INVALID', { path: path.map(String).join('.'), why: issue?.message ?? 'invalid' });
}

function requireJson(request: Request): void {
  const [type = ''] = (request.headers['content-type'] ?? '').split(';');
  if (type.trim().toLowerCase() !== 'application/json') throw failure('CONTENT_TYPE', { got: type.trim() });
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') throw failure('CONTENT_TYPE', { got: `content-encoding ${encoding}` });
}

function refuse(request: Request, limitBytes: number): never {
  throw tooLarge(request, limitBytes);
}

/** An answer closed at once over unread bytes is lost to the sender (a reset); one drained for ever is an attack. */
function tooLarge(request: Request, limitBytes: number) {
  request.resume();
  const timer = setTimeout(() => request.socket.destroy(), LINGER_MS);
  timer.unref();
  request.once('close', () => clearTimeout(timer));
  return failure('BODY_TOO_LARGE', { limitBytes });
}

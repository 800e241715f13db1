import { failure, sentenceOf, type ErrorParameters, type ParamedicError } from '../errors.ts';
import { oneLine } from '../format.ts';

/** What is refused is quoted, and may be megabytes: the sentence goes into events and logs. */
const MOST_CHARACTERS = 300;

/** An error as it crosses from the worker: its code and parameters, to be rebuilt on the other side. */
export type Refused =
  | { readonly code: 'BODY_INVALID'; readonly parameters: ErrorParameters<'BODY_INVALID'> }
  | { readonly code: 'CHECKPOINT_NOT_NEWEST'; readonly parameters: ErrorParameters<'CHECKPOINT_NOT_NEWEST'> }
  | { readonly code: 'PATCH_REFUSED'; readonly parameters: ErrorParameters<'PATCH_REFUSED'> }
  | { readonly code: 'STATE_TOO_LARGE'; readonly parameters: ErrorParameters<'STATE_TOO_LARGE'> }
  | { readonly code: 'STORE_FAILED'; readonly parameters: ErrorParameters<'STORE_FAILED'> }
  | { readonly code: 'CHECKPOINT_NOT_FOUND'; readonly parameters: ErrorParameters<'CHECKPOINT_NOT_FOUND'> }
  | { readonly code: 'STATE_LOCKED'; readonly parameters: ErrorParameters<'STATE_LOCKED'> }
  | { readonly code: 'CHECKPOINT_CORRUPTED'; readonly parameters: ErrorParameters<'CHECKPOINT_CORRUPTED'> };

/** Turns one request down; the others of its group go on. */
export class Refusal extends Error {
  readonly refused: Refused;
  constructor(refused: Refused) {
    super(refused.code);
    this.refused = refused;
  }
}

export const bodyInvalid = (path: string, why: string): Refusal =>
  new Refusal({
    code: 'BODY_INVALID',
    parameters: { path: oneLine(path, MOST_CHARACTERS), why: oneLine(why, MOST_CHARACTERS) },
  });

export const storeFailed = (why: string): Refused => ({
  code: 'STORE_FAILED',
  parameters: { store: 'state.db', why },
});

/** @param needed ids of keys that are not among those that are configured. */
export const locked = (store: string, needed: readonly string[], configured: readonly string[]): Refusal =>
  new Refusal({
    code: 'STATE_LOCKED',
    parameters: {
      store,
      needed: needed.join(' and '),
      configured: configured.length === 0 ? 'none' : `only ${configured.join(' and ')}`,
    },
  });

export const toRefused = (error: unknown): Refused =>
  error instanceof Refusal ? error.refused : storeFailed(sentenceOf(error));

export function toError(refused: Refused): ParamedicError {
  switch (refused.code) {
    case 'BODY_INVALID':
      return failure(refused.code, refused.parameters);
    case 'CHECKPOINT_NOT_NEWEST':
      return failure(refused.code, refused.parameters);
    case 'PATCH_REFUSED':
      return failure(refused.code, refused.parameters);
    case 'STATE_TOO_LARGE':
      return failure(refused.code, refused.parameters);
    case 'STORE_FAILED':
      return failure(refused.code, refused.parameters);
    case 'CHECKPOINT_NOT_FOUND':
      return failure(refused.code, refused.parameters);
    case 'STATE_LOCKED':
      return failure(refused.code, refused.parameters);
    case 'CHECKPOINT_CORRUPTED':
      return failure(refused.code, refused.parameters);
  }
}

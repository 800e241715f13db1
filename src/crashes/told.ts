import { findException, type ParsedException } from './exceptions/index.ts';

/** A crash as the component itself tells it, before it ends. */
export interface ToldCrash {
  /** Class of the error. */
  readonly type: string;
  readonly message: string;
  /** As its runtime prints it; empty: it has none. */
  readonly stack: string;
}

/** What it told, with where in its own code that came from, so that it is the same bug as one read from stderr. */
export function toldException({ type, message, stack }: ToldCrash): ParsedException {
  const root = findException(stack)?.root ?? { type, frame: null };
  return { type, message, stack: stack === '' ? `${type}: ${message}` : stack, root };
}

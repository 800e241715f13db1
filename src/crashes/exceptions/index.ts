import { cppException, goException, rustException } from './native.ts';
import { nodeException } from './node.ts';
import type { ParsedException } from './parsed.ts';
import { pythonException } from './python.ts';

export type { ParsedException } from './parsed.ts';

const parsers = [nodeException, pythonException, goException, rustException, cppException];

/** The last error that a program's runtime printed; null when there is none. */
export function findException(text: string): ParsedException | null {
  if (text === '') return null;
  const found = parsers.flatMap((parse) => parse(text) ?? []);
  return found.toSorted((a, b) => b.at - a.at)[0]?.exception ?? null;
}

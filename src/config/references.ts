import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { systemCode } from '../errors.ts';

/** Where `${…}` is looked up: variables, and the folder that relative files start from. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly folder: string;
}

export interface Replaced {
  readonly value: string;
  /** The text with `***` in the place of what came in; null: nothing did. */
  readonly masked: string | null;
  /** What came in: never to be shown. */
  readonly secrets: readonly string[];
  readonly problems: readonly string[];
}

const REFERENCE = /\$\$\{|\$\{([^}]*)(\}?)/g;

function readReferenced(path: string, folder: string): { value: string } | { problem: string } {
  try {
    return { value: readFileSync(resolve(folder, path), 'utf8').replace(/\r?\n$/, '') };
  } catch (error) {
    return { problem: `the file ${path} cannot be read (${systemCode(error) ?? 'unknown error'})` };
  }
}

function lookUp(name: string, { env, folder }: Surroundings): { value: string } | { problem: string } {
  if (name.startsWith('file:')) return readReferenced(name.slice('file:'.length), folder);
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
    return { problem: `cannot replace \${${name}}: expected \${NAME} or \${file:/path}; write $\${ for a plain \${` };
  const value = env[name];
  return value === undefined ? { problem: `the environment variable ${name} is not set` } : { value };
}

/** What a text refers to: names of variables, and paths of files, which may be relative. */
export function referencesIn(text: string): {
  readonly variables: readonly string[];
  readonly files: readonly string[];
} {
  const names = [...text.matchAll(REFERENCE)].flatMap(([, name]) => (name === undefined ? [] : [name]));
  const isFile = (name: string) => name.startsWith('file:');
  return {
    variables: names.filter((name) => !isFile(name)),
    files: names.filter(isFile).map((name) => name.slice('file:'.length)),
  };
}

/** Puts in variables and files for `${NAME}` and `${file:/path}`; `$${` stands for `${`. */
export function replaceReferences(text: string, surroundings: Surroundings): Replaced {
  const problems: string[] = [];
  const secrets: string[] = [];
  let masked = '';
  let end = 0;
  const value = text.replace(REFERENCE, (match, name: string | undefined, close: string | undefined, at: number) => {
    masked += text.slice(end, at);
    end = at + match.length;
    const found =
      name === undefined
        ? { value: '${' }
        : close === ''
          ? { problem: 'expected } after ${; write $${ for a plain ${' }
          : lookUp(name, surroundings);
    if ('problem' in found) problems.push(found.problem);
    else if (name === undefined) masked += found.value;
    else {
      secrets.push(found.value);
      masked += '***';
    }
    return 'value' in found ? found.value : '';
  });
  return { value, masked: secrets.length > 0 ? masked + text.slice(end) : null, secrets, problems };
}
